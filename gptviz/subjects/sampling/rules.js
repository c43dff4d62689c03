// What each rule does to all tokens, one row a rule.
import { element, write } from "../../app/dom.js"
import { count, LABELS, MORE, percent, shownSetting } from "./words.js"

const EXAMPLES = 4
// In the order in which they act.
const RULES = ["repetition_penalty", "no_repeat_ngram_size", "temperature", "top_k", "top_p", "min_p", "typical_p"]

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
    const { order, plain, first, kept, removed } = outcome
    const { seen, raw } = distribution
    const likeliestSeen = [...seen].sort((a, b) => raw[b] - raw[a]).slice(0, EXAMPLES)
    let massKept = 0
    for (let rank = first; rank < first + kept; rank++) massKept += plain[rank]
    const stretches = [...removed, { rule: "kept", from: first, to: first + kept, mass: massKept }]
    for (const { rule, row, cells } of this.rows) {
      const own = stretches.filter((stretch) => stretch.rule === rule)
      const number = own.reduce((n, { from, to }) => n + to - from, 0)
      const share = own.reduce((added, { mass }) => added + mass, 0)
      const ids = own.flatMap(({ from, to }) => [...order.subarray(from, Math.min(to, from + EXAMPLES))])
      const examples = rule === RULES[0] ? likeliestSeen : ids.slice(0, EXAMPLES)
      const told = toldRule(rule, settings, rule === RULES[0] && distribution.effect(outcome))
      const silent = told.endsWith(": off")
      row.hidden = silent && MORE.includes(rule)
      row.dataset.count = number
      write(cells[0], told)
      write(cells[1], number > 0 ? count(number) : "–")
      write(cells[2], number > 0 ? percent(share) : "–")
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
  if (rule === "no_repeat_ngram_size") return `✕ no-repeat ${value}-grams: what would end one again`
  if (rule === "min_p") return `✕ min-p: less than ${value} times as likely as the likeliest left`
  if (rule === "typical_p") return `✕ typical ${value}: far from the expected surprise`
  if (rule === "top_k") return `✕ top-k: all but the ${value} likeliest`
  if (rule === "top_p") return `✕ top-p: all beyond the first ${Math.round(100 * settings.top_p)} %`
  if (settings.temperature === 0) return "✕ temperature 0 (greedy): all but the likeliest"
  if (settings.temperature === 1) return "temperature 1: changes nothing"
  return `temperature ${value}: likely tokens get ${settings.temperature < 1 ? "likelier" : "less likely"}`
}
