// One panel of a live chart: a title with units, a legend that tells values, lines and axes.
import { element, place, scaleOf, vector, words, write } from "../../app/dom.js"
import { exact, logarithmicTicks, nearest, roundTicks, short } from "./live_chart_parts.js"

const [LEFT, RIGHT, TOP, BOTTOM] = [62, 14, 8, 26] // pixels around the lines
const PLAIN = { name: "", factors: [], exponential: false }

export class Panel {
  unit = 0 // which of the panel's units
  logarithmic = false

  constructor(chart) {
    this.chart = chart
    this.root = element("section", "panel")
    this.title = element("h2", "")
    this.units = element("span", "choice")
    this.legend = element("div", "legend")
    this.svg = vector("svg", { role: "img" })
    this.grid = vector("g", {})
    this.inside = vector("svg", {}) // a nested picture clips what is drawn beyond it
    this.cursor = vector("line", { class: "cursor" })
    this.chosen = vector("rect", { class: "chosen" })
    this.limits = vector("g", {})
    this.svg.append(this.grid, this.inside, this.limits, this.cursor, this.chosen)
    this.head = element("div", "head")
    this.head.append(this.title, this.units)
    this.root.append(this.head, this.legend, this.svg)
    place(this.chosen, null)
    this.listen()
  }

  listen() {
    let start = null
    const across = (event) => (event.clientX - this.svg.getBoundingClientRect().left) / scaleOf(this.root)
    const release = () => {
      start = null
      place(this.chosen, null)
    }
    this.svg.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return
      start = across(event)
      this.svg.setPointerCapture(event.pointerId)
    })
    this.svg.addEventListener("pointermove", (event) => {
      this.chart.readAt(this.closest(this.fromX(across(event))))
      if (start === null || Math.abs(across(event) - start) < 4) return
      const [from, to] = [start, across(event)].sort((a, b) => a - b)
      place(this.chosen, { x: from, width: to - from, y: TOP, height: this.height - TOP - BOTTOM })
    })
    this.svg.addEventListener("pointerup", (event) => {
      const ends = start === null ? [] : [start, across(event)].sort((a, b) => a - b)
      release()
      if (ends[1] - ends[0] >= 4) this.chart.zoomTo(ends.map((x) => this.fromX(x)))
    })
    this.svg.addEventListener("pointercancel", release)
    this.svg.addEventListener("pointerleave", () => start === null && this.chart.readAt(null))
    this.svg.addEventListener("dblclick", () => this.chart.zoomTo(null))
  }

  draw(data, domain) {
    domain = this.chart.zoom ? domain : [domain[0], Math.max(domain[1], endOfPlan(data.series))]
    Object.assign(this, { data, domain, width: this.root.clientWidth, height: this.svg.clientHeight })
    const { units } = data
    const unit = units[this.unit] ?? PLAIN
    this.value = (y, line = 0) => (unit.exponential ? Math.exp(y) : y * (unit.factors[line] ?? 1))
    this.drawChoices(units)
    write(this.title, units.length > 1 || !unit.name ? data.title : `${data.title} (${unit.name})`)
    this.svg.setAttribute("aria-label", data.title)
    this.svg.setAttribute("width", this.width)
    this.setRange()
    this.drawGrid()
    this.drawLines()
    this.drawLimits()
    this.drawLegend()
  }

  drawChoices(units) {
    const wanted = units.length > 1 ? units.map(({ name }) => name) : []
    if (this.data.logarithmic) wanted.push("log scale")
    if (this.units.childElementCount !== wanted.length) {
      const buttons = wanted.map((name, i) => {
        const button = element("button", "", name)
        button.type = "button"
        button.addEventListener("click", () => {
          if (i < this.data.units.length && this.data.units.length > 1) this.unit = i
          else this.logarithmic = !this.logarithmic
          this.chart.draw()
        })
        return button
      })
      this.units.replaceChildren(...buttons)
    }
    ;[...this.units.children].forEach((button, i) => {
      const isUnit = i < units.length && units.length > 1
      button.setAttribute("aria-pressed", isUnit ? i === this.unit : this.logarithmic)
    })
  }

  // A limit, in the unit of the last line: that of the held-out text, where their units differ.
  limit(value) {
    return this.value(value, this.data.series.length - 1)
  }

  // The values to be seen, and a little room above and below.
  setRange() {
    let [low, high] = [Infinity, -Infinity]
    const see = (value) => {
      if (!Number.isFinite(value) || (this.logarithmic && value <= 0)) return
      low = Math.min(low, value)
      high = Math.max(high, value)
    }
    this.data.series.forEach(({ x, y }, line) => {
      for (let i = 0; i < x.length; i++)
        if (x[i] >= this.domain[0] && x[i] <= this.domain[1]) see(this.value(y[i], line))
    })
    Object.values(this.data.limits).forEach((limit) => see(this.limit(limit)))
    if (low > high) [low, high] = [this.logarithmic ? 0.1 : 0, 1]
    const form = this.logarithmic ? Math.log10 : (value) => value
    const room = (form(high) - form(low)) * 0.06 || Math.abs(form(high)) * 0.1 || 0.5
    this.form = form
    this.range = [form(low) - room, form(high) + room]
    if (low >= 0 && !this.logarithmic) this.range[0] = Math.max(0, this.range[0])
  }

  x(step) {
    const [from, to] = this.domain
    return LEFT + ((step - from) / (to - from)) * (this.width - LEFT - RIGHT)
  }

  fromX(x) {
    const [from, to] = this.domain
    return from + ((x - LEFT) / (this.width - LEFT - RIGHT)) * (to - from)
  }

  y(value) {
    const [low, high] = this.range
    const share = (this.form(value) - low) / (high - low)
    return this.height - BOTTOM - share * (this.height - TOP - BOTTOM)
  }

  drawGrid() {
    const { width, height } = this
    const parts = []
    const ticks = this.logarithmic ? logarithmicTicks(...this.range) : roundTicks(...this.range, height / 55)
    for (const tick of ticks) {
      const y = this.y(tick)
      parts.push(vector("line", { x1: LEFT, x2: width - RIGHT, y1: y, y2: y, class: "grid" }))
      parts.push(words(short(tick), LEFT - 8, y + 5, "end"))
    }
    const places = roundTicks(...this.domain, (width - LEFT - RIGHT) / 75, 1)
    for (const tick of places) {
      const x = this.x(tick)
      parts.push(vector("line", { x1: x, x2: x, y1: height - BOTTOM, y2: height - BOTTOM + 5, class: "axis" }))
      const isLast = tick === places.at(-1)
      parts.push(words(isLast ? `step ${short(tick)}` : short(tick), x, height - 4, x > width - 60 ? "end" : "middle"))
    }
    parts.push(vector("line", { x1: LEFT, x2: width - RIGHT, y1: height - BOTTOM, y2: height - BOTTOM, class: "axis" }))
    this.grid.replaceChildren(...parts)
  }

  drawLimits() {
    const lines = Object.values(this.data.limits).map((limit) => {
      const y = this.y(this.limit(limit))
      return vector("line", { x1: LEFT, x2: this.width - RIGHT, y1: y, y2: y, class: "limit" })
    })
    this.limits.replaceChildren(...lines)
  }

  drawLines() {
    const box = { x: LEFT - 6, y: 0, width: Math.max(0, this.width - LEFT - RIGHT + 12), height: this.height }
    for (const [name, value] of Object.entries(box)) this.inside.setAttribute(name, value)
    const { series } = this.data
    while (this.inside.childElementCount > series.length) this.inside.lastChild.remove()
    while (this.inside.childElementCount < series.length) this.inside.append(vector("path", {}))
    series.forEach((line, i) => {
      const path = this.inside.children[i]
      path.setAttribute("class", line.look)
      path.setAttribute("stroke", line.colour)
      path.dataset.name = line.name
      path.dataset.points = line.points
      path.setAttribute("d", line.look === "points" ? this.diamonds(line, i) : this.path(line, i))
    })
  }

  *spots({ x, y }, line) {
    for (let i = 0; i < x.length; i++) {
      const value = this.value(y[i], line)
      if (!Number.isFinite(this.form(value))) continue
      yield `${(this.x(x[i]) - LEFT + 6).toFixed(1)},${this.y(value).toFixed(1)}`
    }
  }

  // A line of one point is a dot, for its ends are round.
  path(line, i) {
    const spots = [...this.spots(line, i)]
    return spots.length ? `M${spots[0]}L${spots.join("L")}` : ""
  }

  diamonds(line, i) {
    const spots = [...this.spots(line, i)]
    if (!spots.length) return ""
    return `M${spots.join("L")}` + spots.map((spot) => `M${spot}m0,-5l5,5l-5,5l-5,-5z`).join("")
  }

  drawLegend() {
    const { series, limits } = this.data
    const lines = [...series, ...Object.entries(limits).map(([name, limit]) => ({ name, limit, look: "limit" }))]
    if (series.length === 1) this.head.append(this.legend) // whose title says what it is
    else this.root.insertBefore(this.legend, this.svg)
    this.legend.classList.toggle("alone", series.length === 1)
    if (this.legend.childElementCount !== lines.length) {
      this.legend.replaceChildren(...lines.map(legendEntry))
    }
    lines.forEach(({ name, look, colour = "currentColor", limit }, i) => {
      const [sample, label, value] = this.legend.children[i].children
      const path = sample.firstChild
      path.setAttribute("class", look)
      path.setAttribute("stroke", colour)
      path.setAttribute("d", look === "points" ? "M2,7L28,7M15,2l5,5l-5,5l-5,-5z" : "M2,7L28,7")
      write(label, name)
      if (limit !== undefined) write(value, short(this.limit(limit)))
    })
  }

  closest(spot) {
    const x = this.data.series[0]?.x ?? []
    return x.length ? x[nearest(x, spot)] : null
  }

  // Writes each line's value at a place, or its latest, and moves the cursor.
  read(at) {
    const told = this.data.series.map(({ name, x, y }, i) => {
      const found = at === null ? x.length - 1 : nearest(x, at)
      const elsewhere = x.length && x[found] !== at && at !== null ? ` at ${short(x[found])}` : ""
      const value = x.length ? `${exact(this.value(y[found], i))}${elsewhere}` : "–"
      write(this.legend.children[i].lastChild, value)
      return `${name} ${value}`
    })
    this.words = `${this.data.title}: ${told.join(", ")}`
    const there = at !== null && at >= this.domain[0] && at <= this.domain[1]
    place(this.cursor, there && { x1: this.x(at), x2: this.x(at), y1: TOP, y2: this.height - BOTTOM })
  }
}

// Where what is to come ends, which only the panel that has it goes on to.
function endOfPlan(series) {
  return Math.max(...series.map(({ x, look }) => (look === "ahead" && x.length ? x[x.length - 1] : -Infinity)))
}

function legendEntry() {
  const entry = element("span", "entry")
  const sample = vector("svg", { width: 30, height: 14, "aria-hidden": "true" })
  sample.append(vector("path", {}))
  entry.append(sample, element("span", "name"), element("span", "value"))
  return entry
}
