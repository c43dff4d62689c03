// What the explorer draws: a line of numbers, bars, a curve and the table of the rules. Each part
// has a root, and draws the outcome of `Distribution.apply`. All text is set with textContent.
const SVG = "http://www.w3.org/2000/svg"
const ROWS = 12
const EXAMPLES = 4
const RULES = ["repetition_penalty", "temperature", "top_k", "top_p"] // in the order in which they act
const LABELS = { temperature: "temperature", top_k: "top-k", top_p: "top-p", repetition_penalty: "repetition penalty" }

class Summary {
  root = element("span", "summary")

  draw({ distribution }, { kept, entropy: nats }) {
    const bits = nats / Math.LN2
    write(
      this.root,
      `${count(kept)} of ${count(distribution.logits.length)} tokens can be drawn · entropy ${nats.toFixed(2)} nats = ` +
        `${bits.toFixed(2)} bits: as open as ${Math.exp(nats).toFixed(1)} equally likely tokens`,
    )
  }
}

class Bars {
  root = element("div", "bars")

  constructor() {
    this.rows = Array.from({ length: ROWS }, () => {
      const row = element("div", "row")
      const [piece, track, percents] = ["piece", "track", "percents"].map((name) => element("span", name))
      const [before, after] = ["before", "after"].map((name) => element("span", name))
      track.append(before, after)
      row.append(piece, track, percents)
      return { row, piece, before, after, percents }
    })
    const title = element("h3", "", "□ before, ■ after the rules (full width: 100 %)")
    this.root.append(title, ...this.rows.map(({ row }) => row))
  }

  draw({ distribution, pieces }, { order, kept, probabilities, removed }) {
    const { raw, rawOrder, logits } = distribution
    const after = new Map()
    for (let rank = 0; rank < Math.min(kept, ROWS); rank++) after.set(order[rank], probabilities[rank])
    const shown = likeliest(rawOrder, raw, after)
    this.rows.forEach(({ row, piece, before, after, percents }, i) => {
      row.hidden = i >= shown.length
      if (row.hidden) return
      const id = shown[i]
      const rank = order.indexOf(id)
      const cut = removed.find(({ from, to }) => rank >= from && rank < to)
      const now = cut ? 0 : probabilities[rank]
      row.classList.toggle("cut", Boolean(cut))
      row.title = `${pieceOf(pieces, id)} · id ${id} · logit ${logits[id].toFixed(3)}`
      Object.assign(row.dataset, { id, before: raw[id], after: now })
      before.style.width = `${100 * raw[id]}%`
      after.style.width = `${100 * now}%`
      after.hidden = now === 0
      write(piece, pieceOf(pieces, id))
      const outcome = cut ? `✕ ${cut.rule === "temperature" ? "greedy" : LABELS[cut.rule]}` : percent(now)
      write(percents, `${percent(raw[id]).replace(" %", "")} → ${outcome}`)
    })
  }
}

class Curve {
  root = element("div", "curve")
  width = 0

  constructor() {
    this.svg = vector("svg", { height: 300, role: "img" })
    this.svg.setAttribute("aria-label", "probabilities added up by rank, before and after the rules")
    this.grid = vector("g", {})
    this.raw = vector("path", { class: "raw" })
    this.final = vector("path", { class: "final" })
    this.k = { line: vector("line", { class: "limit" }), label: words("", 0, 0, "") }
    this.p = { line: vector("line", { class: "limit" }), label: words("", 0, 0, "") }
    this.svg.append(this.grid, this.k.line, this.p.line, this.raw, this.final, this.k.label, this.p.label)
    this.root.append(element("h3", "", "Added up: ┄ before, ━ after"), this.svg)
    this.observer = new ResizeObserver(() => this.last && this.draw(...this.last))
    this.observer.observe(this.root)
  }

  leave() {
    this.observer.disconnect()
  }

  draw(...last) {
    this.last = last
    const [{ distribution }, { kept, probabilities }, { top_k, top_p }] = last
    const { rawCumulative } = distribution
    const V = rawCumulative.length
    const width = this.root.clientWidth
    if (this.V !== V || this.width !== width) this.drawGrid(V, width)
    const raw = spreadRanks(V).map((rank) => [this.x(rank), this.y(rawCumulative[rank - 1])])
    const final = []
    let total = 0
    let rank = 0
    for (const until of spreadRanks(kept)) {
      while (rank < until) total += probabilities[rank++]
      final.push([this.x(until), this.y(total)])
    }
    if (kept < V) final.push([this.x(V), this.y(1)])
    this.raw.setAttribute("d", path(raw))
    this.final.setAttribute("d", path(final))
    this.drawK(top_k > 0 && top_k < V, top_k)
    this.drawP(top_p < 1, top_p)
  }

  x(rank) {
    return 56 + ((this.width - 66) * Math.log(rank)) / Math.log(Math.max(2, this.V))
  }

  y(share) {
    return 256 - 246 * share
  }

  drawK(on, k) {
    const x = this.x(k)
    const left = x > this.width - 110
    place(this.k.line, on && { x1: x, x2: x, y1: this.y(0), y2: this.y(1) })
    place(this.k.label, on && { x: x + (left ? -5 : 5), y: this.y(0) - 8, "text-anchor": left ? "end" : "start" })
    write(this.k.label, `top-k ${count(k)}`)
  }

  drawP(on, p) {
    const y = this.y(p)
    place(this.p.line, on && { x1: this.x(1), x2: this.x(this.V), y1: y, y2: y })
    place(this.p.label, on && { x: this.x(this.V), y: y + (p > 0.9 ? 17 : -5), "text-anchor": "end" })
    write(this.p.label, `top-p ${p.toFixed(2)}`)
  }

  drawGrid(V, width) {
    Object.assign(this, { V, width })
    this.svg.setAttribute("width", width)
    const [left, right, bottom, top] = [this.x(1), this.x(V), this.y(0), this.y(1)]
    this.grid.replaceChildren(words("rank of the token", (left + right) / 2, 296, "", "middle"))
    for (const share of [0, 0.5, 1]) {
      const y = this.y(share)
      const line = vector("line", { x1: left, x2: right, y1: y, y2: y, class: "grid" })
      this.grid.append(line, words(`${100 * share} %`, left - 6, y + 5, "", "end"))
    }
    const every = width < 330 && V > 1000 ? 100 : 10
    for (let rank = 1; rank <= V; rank *= every) {
      const x = this.x(rank)
      const line = vector("line", { x1: x, x2: x, y1: bottom, y2: top, class: "grid" })
      this.grid.append(line, words(count(rank), x, bottom + 18, "", "middle"))
    }
  }
}

class Rules {
  root = element("table", "rules")

  constructor() {
    const titles = element("tr", "")
    for (const [title, name] of [["rule", ""], ["tokens", "count"], ["probability", "count"], ["for example", ""]]) {
      titles.append(element("th", name, title))
    }
    this.rows = [...RULES, "kept"].map((rule) => {
      const row = element("tr", "")
      row.dataset.rule = rule
      const cells = ["", "count", "count", "examples"].map((name) => element("td", name))
      row.append(...cells)
      return { rule, row, cells }
    })
    const [head, body] = ["thead", "tbody"].map((name) => element(name, ""))
    head.append(titles)
    body.append(...this.rows.map(({ row }) => row))
    this.root.append(head, body)
  }

  draw({ distribution, pieces }, { order, plain, kept, removed }, settings) {
    const { seen, raw } = distribution
    const likeliestSeen = [...seen].sort((a, b) => raw[b] - raw[a]).slice(0, EXAMPLES)
    let mass = 0
    for (let rank = 0; rank < kept; rank++) mass += plain[rank]
    const stretches = { kept: { from: 0, to: kept, mass } }
    for (const stretch of removed) stretches[stretch.rule] = stretch
    for (const { rule, row, cells } of this.rows) {
      const { from, to, mass } = stretches[rule] ?? { from: 0, to: 0, mass: 0 }
      const examples = stretches[rule] ? [...order.subarray(from, Math.min(to, from + EXAMPLES))] : likeliestSeen
      const silent = rule === "repetition_penalty" && settings[rule] === 1
      row.dataset.count = to - from
      write(cells[0], toldRule(rule, settings, seen.length))
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

// The tokens that are likely before or after, in the order of before: rows keep their places.
function likeliest(rawOrder, raw, after) {
  const largest = (id) => Math.max(raw[id], after.get(id) ?? 0)
  const ids = [...new Set([...rawOrder.subarray(0, ROWS), ...after.keys()])]
  const shown = ids.sort((a, b) => largest(b) - largest(a) || a - b).slice(0, ROWS)
  return shown.sort((a, b) => raw[b] - raw[a] || a - b)
}

function toldRule(rule, settings, seen) {
  if (rule === "kept") return "kept: one of these is drawn"
  const value = shownSetting(rule, settings[rule])
  if (value === "off") return `${LABELS[rule]}: off`
  if (rule === "repetition_penalty") return `repetition penalty ${value}: ${count(seen)} tokens less likely`
  if (rule === "top_k") return `✕ top-k: all but the ${value} likeliest`
  if (rule === "top_p") return `✕ top-p: all beyond the first ${Math.round(100 * settings.top_p)} %`
  if (settings.temperature === 0) return "✕ temperature 0 (greedy): all but the likeliest"
  if (settings.temperature === 1) return "temperature 1: changes nothing"
  return `temperature ${value}: likely tokens get ${settings.temperature < 1 ? "likelier" : "less likely"}`
}

function shownSetting(name, value) {
  if (name === "temperature") return value === 0 ? "0 (greedy)" : value.toFixed(2)
  if (name === "top_k") return value === 0 ? "off" : count(value)
  return value === 1 ? "off" : value.toFixed(2)
}

// Ranks that are spread evenly on a logarithmic scale, the first and the last among them.
function spreadRanks(n) {
  const ranks = []
  for (let rank = 1; rank < n; rank += Math.max(1, Math.floor(rank / 24))) ranks.push(rank)
  return [...ranks, n]
}

function pieceOf(pieces, id) {
  return pieces[id] ?? `id ${id}`
}

function percent(share) {
  const shown = 100 * share
  if (shown > 0 && shown < 0.01) return "< 0.01 %"
  return `${shown.toFixed(shown < 1 ? 2 : 1)} %`
}

function count(n) {
  return n.toLocaleString("en-US")
}

function path(points) {
  return `M${points.map(([x, y]) => `${x.toFixed(1)},${y.toFixed(1)}`).join("L")}`
}

// Sets the attributes of a part, or hides it.
function place(part, attributes) {
  part.style.display = attributes ? "" : "none"
  for (const [name, value] of Object.entries(attributes || {})) part.setAttribute(name, value)
}

function write(part, text) {
  if (part.textContent !== text) part.textContent = text
}

function element(name, className, text = "") {
  const made = document.createElement(name)
  made.className = className
  made.textContent = text
  return made
}

function vector(name, attributes) {
  const made = document.createElementNS(SVG, name)
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value)
  return made
}

function words(text, x, y, className, anchor = "start") {
  const made = vector("text", { x, y, class: className, "text-anchor": anchor })
  made.textContent = text
  return made
}
