// The probabilities added up by rank, before and after the rules.
import { element, place, vector, words, write } from "../../app/dom.js"
import { count } from "./words.js"

export class Curve {
  root = element("div", "curve")
  width = 0

  constructor() {
    this.svg = vector("svg", { height: 300, role: "img" })
    this.svg.setAttribute("aria-label", "probabilities added up by rank, before and after the rules")
    this.grid = vector("g")
    this.raw = vector("path", { class: "raw" })
    this.final = vector("path", { class: "final" })
    this.k = { line: vector("line", { class: "limit" }), label: words("", 0, 0) }
    this.p = { line: vector("line", { class: "limit" }), label: words("", 0, 0) }
    this.svg.append(this.grid, this.k.line, this.p.line, this.raw, this.final, this.k.label, this.p.label)
    this.root.append(element("h2", "", "Added up: ┄ before, ━ after"), this.svg)
    this.observer = new ResizeObserver(() => this.last && this.draw(...this.last))
    this.observer.observe(this.root)
  }

  leave() {
    this.observer.disconnect()
  }

  draw(...last) {
    this.last = last
    const [{ distribution }, { first, kept, probabilities, removed }, { top_k, top_p }] = last
    const { rawCumulative } = distribution
    const V = rawCumulative.length
    const width = this.root.clientWidth
    if (this.V !== V || this.width !== width) this.drawGrid(V, width)
    const raw = spreadRanks(V).map((rank) => [this.x(rank), this.y(rawCumulative[rank - 1])])
    const final = first > 0 ? [1, first].map((rank) => [this.x(rank), this.y(0)]) : []
    let total = 0
    let rank = 0
    for (const until of spreadRanks(kept)) {
      while (rank < until) total += probabilities[rank++]
      final.push([this.x(first + until), this.y(total)])
    }
    if (first + kept < V) final.push([this.x(V), this.y(1)])
    this.raw.setAttribute("d", path(raw))
    this.final.setAttribute("d", path(final))
    // Each line stands where its rule cuts; top-p adds up what the rules before it have left.
    this.drawCut(this.k, top_k > 0 && top_k < V && top_k, `top-k ${count(top_k)}`, 8)
    const cut = removed.find(({ rule, from, to }) => rule === "top_p" && to > from)
    this.drawCut(this.p, cut?.from, `top-p ${top_p.toFixed(2)}`, 30)
  }

  x(rank) {
    return 56 + ((this.width - 66) * Math.log(rank)) / Math.log(Math.max(2, this.V))
  }

  y(share) {
    return 256 - 246 * share
  }

  drawCut({ line, label }, rank, told, above) {
    const x = this.x(rank || 1)
    const left = x > this.width - 110
    place(line, rank && { x1: x, x2: x, y1: this.y(0), y2: this.y(1) })
    place(label, rank && { x: x + (left ? -5 : 5), y: this.y(0) - above, "text-anchor": left ? "end" : "start" })
    write(label, told)
  }

  drawGrid(V, width) {
    Object.assign(this, { V, width })
    this.svg.setAttribute("width", width)
    const [left, right, bottom, top] = [this.x(1), this.x(V), this.y(0), this.y(1)]
    this.grid.replaceChildren(words("rank of the token", (left + right) / 2, 296, "middle"))
    for (const share of [0, 0.5, 1]) {
      const y = this.y(share)
      const line = vector("line", { x1: left, x2: right, y1: y, y2: y, class: "grid" })
      this.grid.append(line, words(`${100 * share} %`, left - 6, y + 5, "end"))
    }
    const every = width < 330 && V > 1000 ? 100 : 10
    for (let rank = 1; rank <= V; rank *= every) {
      const x = this.x(rank)
      const line = vector("line", { x1: x, x2: x, y1: bottom, y2: top, class: "grid" })
      this.grid.append(line, words(count(rank), x, bottom + 18, "middle"))
    }
  }
}

// Ranks that are spread evenly on a logarithmic scale, the first and the last among them.
function spreadRanks(n) {
  const ranks = []
  for (let rank = 1; rank < n; rank += Math.max(1, Math.floor(rank / 24))) ranks.push(rank)
  return [...ranks, n]
}

function path(points) {
  return `M${points.map(([x, y]) => `${x.toFixed(1)},${y.toFixed(1)}`).join("L")}`
}
