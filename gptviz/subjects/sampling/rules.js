// What each rule does to all tokens, one row a rule.
import { element, write } from "../../app/dom.js"
import { count, LABELS, percent, shownSetting } from "./words.js"

const EXAMPLES = 4
const RULES = ["repetition_penalty", "temperature", "top_k", "top_p"] // in the order in which they act

export class Rules {
  root = element("table", "rules")

  constructor() {
    const titles = element("tr")
    for (const [title, name] of [
      ["rule", ""],
      ["tokens", "count"],
      ["probability", "count"],
      ["for example", ""],
    ]) {
      titles.append(element("th", name, title))
    }
    this.rows = [...RULES, "kept"].map((rule) => {
      const row = element("tr")
      row.dataset.rule = rule
      const cells = ["", "count", "count", "examples"].map((name) => element("td", name))
      row.append(...cells)
      return { rule, row, cells }
    })
    const [head, body] = ["thead", "tbody"].map((name) => element(name))
    head.append(titles)
    body.append(...this.rows.map(({ row }) => row))
    this.root.append(head, body)
  }

  draw({ distribution, pieces }, outcome, settings) {
    const { order, plain, kept, removed } = outcome
    const { seen, raw } = distribution
    const likeliestSeen = [...seen].sort((a, b) => raw[b] - raw[a]).slice(0, EXAMPLES)
    let massKept = 0
    for (let rank = 0; rank < kept; rank++) massKept += plain[rank]
    const stretches = { kept: { from: 0, to: kept, mass: massKept } }
    for (const stretch of removed) stretches[stretch.rule] = stretch
    for (const { rule, row, cells } of this.rows) {
      const { from, to, mass } = stretches[rule] ?? { from: 0, to: 0, mass: 0 }
      const examples = stretches[rule] ? [...order.subarray(from, Math.min(to, from + EXAMPLES))] : likeliestSeen
      const silent = rule === "repetition_penalty" && settings[rule] === 1
      row.dataset.count = to - from
      write(cells[0], toldRule(rule, settings, rule === RULES[0] && distribution.effect(outcome)))
      write(cells[1], to > from ? count(to - from) : "–")
      write(cells[2], to > from ? percent(mass) : "–")
      // While a slider is dragged, not every rare token has its piece here yet.
      const shown = silent ? [] : examples.filter((id) => id in pieces).map((id) => pieces[id])
      if (cells[3].dataset.shown === shown.join("\n")) continue
      cells[3].dataset.shown = shown.join("\n")
      cells[3].replaceChildren(...shown.map((piece) => element("code", "", piece)))
    }
  }
}

function toldRule(rule, settings, { lowered, fell, rose }) {
  if (rule === "kept") return "kept: one of these is drawn"
  const value = shownSetting(rule, settings[rule])
  if (value === "off") return `${LABELS[rule]}: off`
  if (rule === "repetition_penalty") {
    return `repetition penalty ${value}: ${count(lowered)} scores lowered, so ${count(fell)} probabilities fell and ${count(rose)} rose`
  }
  if (rule === "top_k") return `✕ top-k: all but the ${value} likeliest`
  if (rule === "top_p") return `✕ top-p: all beyond the first ${Math.round(100 * settings.top_p)} %`
  if (settings.temperature === 0) return "✕ temperature 0 (greedy): all but the likeliest"
  if (settings.temperature === 1) return "temperature 1: changes nothing"
  return `temperature ${value}: likely tokens get ${settings.temperature < 1 ? "likelier" : "less likely"}`
}
