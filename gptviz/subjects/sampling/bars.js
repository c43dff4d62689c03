// The likeliest next tokens before and after the rules, and how open the choice is.
import { element, write } from "../../app/dom.js"
import { count, percent, SHORT, whyInBars } from "./words.js"

const ROWS = 12
const SCALES = [0.1, 0.25, 0.5, 1] // shares that the full width may stand for

export class Summary {
  root = element("p", "summary")

  draw({ distribution }, { kept, entropy: nats }) {
    const bits = nats / Math.LN2
    write(
      this.root,
      `${count(kept)} of ${count(distribution.logits.length)} tokens can be drawn: as open as ` +
        `${Math.exp(nats).toFixed(1)} equally likely ones (entropy ${nats.toFixed(2)} nats = ${bits.toFixed(2)} bits)`,
    )
  }
}

export class Bars {
  root = element("div", "bars")
  title = element("h2")
  why = element("p", "why")

  constructor() {
    this.why.setAttribute("aria-live", "polite")
    this.rows = Array.from({ length: ROWS }, () => this.row())
    this.rows[0].row.tabIndex = 0
    this.root.append(this.title, ...this.rows.map(({ row }) => row), this.why)
    for (const kind of ["pointerover", "focusin", "click"])
      this.root.addEventListener(kind, (event) => this.touch(event))
    this.root.addEventListener("keydown", (event) => this.move(event))
  }

  row() {
    const row = element("div", "row")
    const [piece, track, percents] = ["piece", "track", "percents"].map((name) => element("span", name))
    const [before, after] = ["before", "after"].map((name) => element("span", name))
    row.setAttribute("role", "button")
    row.tabIndex = -1
    track.append(before, after)
    row.append(piece, track, percents)
    return { row, piece, before, after, percents }
  }

  draw(prompt, outcome, settings) {
    const { distribution, pieces } = prompt
    const { order, first, kept, probabilities } = outcome
    const { raw, rawOrder, logits } = distribution
    Object.assign(this, { prompt, outcome, settings })
    const chances = new Map()
    for (let rank = 0; rank < Math.min(kept, ROWS); rank++) chances.set(order[first + rank], probabilities[rank])
    const shown = likeliest(rawOrder, raw, chances)
    const largest = Math.max(raw[rawOrder[0]], probabilities[0])
    const full = SCALES.find((scale) => scale >= largest) ?? 1
    write(this.title, `□ before, ■ after the rules (full width: ${100 * full} %)`)
    this.rows.forEach(({ row, piece, before, after, percents }, i) => {
      row.hidden = i >= shown.length
      if (row.hidden) return
      const id = shown[i]
      const { rule, probability } = distribution.fate(id, outcome)
      row.classList.toggle("cut", Boolean(rule))
      row.title = `${pieceOf(pieces, id)} · id ${id} · logit ${logits[id].toFixed(3)}`
      Object.assign(row.dataset, { id, before: raw[id], after: probability })
      before.style.width = `${(100 * raw[id]) / full}%`
      after.style.width = `${(100 * probability) / full}%`
      after.hidden = probability === 0
      write(piece, pieceOf(pieces, id))
      const fallen = rule ? `✕ ${SHORT[rule]}` : percent(probability)
      write(percents, `${percent(raw[id]).replace(" %", "")} → ${fallen}`)
    })
    this.tell()
  }

  touch(event) {
    const row = event.target.closest(".row")
    if (!row) return
    this.told = Number(row.dataset.id)
    this.tell()
  }

  tell() {
    const told = this.rows.find(({ row }) => !row.hidden && Number(row.dataset.id) === this.told)
    for (const part of this.rows) part.row.classList.toggle("told", part === told)
    if (!told) return write(this.why, "Touch a bar: why can this token be drawn, or not?")
    const { prompt, outcome, settings } = this
    const fate = prompt.distribution.fate(this.told, outcome)
    write(this.why, `${told.piece.textContent} – ${whyInBars(fate, settings)}.`)
  }

  // One stop for the tab key; the arrow keys go from bar to bar.
  move(event) {
    const rows = this.rows.map(({ row }) => row).filter((row) => !row.hidden)
    const now = rows.indexOf(event.target)
    const next = rows[now + { ArrowUp: -1, ArrowDown: 1 }[event.key]]
    if (now < 0 || !next) return
    event.preventDefault()
    rows[now].tabIndex = -1
    next.tabIndex = 0
    next.focus()
  }
}

// The tokens that are likely before or after, in the order of before: rows keep their places.
function likeliest(rawOrder, raw, after) {
  const largest = (id) => Math.max(raw[id], after.get(id) ?? 0)
  const ids = [...new Set([...rawOrder.subarray(0, ROWS), ...after.keys()])]
  const shown = ids.sort((a, b) => largest(b) - largest(a) || a - b).slice(0, ROWS)
  return shown.sort((a, b) => raw[b] - raw[a] || a - b)
}

function pieceOf(pieces, id) {
  return pieces[id] ?? `id ${id}`
}
