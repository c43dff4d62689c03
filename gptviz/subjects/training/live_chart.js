// Line charts that share one axis. New values leave zoom, place and units as the reader set them.
import { element, pictureIn, unpacked, write } from "../../app/dom.js"
import { offerToSave } from "../../app/keep.js"
import { Panel } from "./live_chart_panel.js"
import { nearest, short } from "./live_chart_parts.js"

const charts = new Map() // by the element in which each is drawn

export default function (component) {
  const { data, parentElement, setStateValue } = component
  const root = parentElement.querySelector(".chart")
  pictureIn(charts, root, () => new Chart(root)).update(withNumbers(unpacked(data)), setStateValue)
}

// The header with the numbers of each line, which follow it in its order.
function withNumbers({ header, body }) {
  const numbers = new Float32Array(body.buffer)
  let at = 0
  const next = (n) => numbers.subarray(at, (at += n))
  for (const panel of header.panels) {
    for (const line of panel.series) Object.assign(line, { x: next(line.points), y: next(line.points) })
  }
  return header
}

class Chart {
  zoom = null // a stretch of the axis, or null for everything
  place = null // where on the axis the values are read, or null for the latest
  panels = []

  constructor(root) {
    this.root = root
    this.line = element("div", "line")
    this.where = element("span", "where")
    this.all = element("button", "", "Show everything")
    this.all.type = "button"
    this.all.addEventListener("click", () => this.zoomTo(null))
    this.line.append(this.where, this.all)
    this.board = element("div", "panels")
    this.board.tabIndex = 0
    this.board.setAttribute("role", "group")
    this.board.addEventListener("keydown", (event) => this.press(event))
    this.waits = element("p", "waits")
    this.said = element("div", "said")
    this.said.setAttribute("aria-live", "polite")
    root.replaceChildren(this.waits, this.board, this.said)
    this.observer = new ResizeObserver(() => this.draw())
    this.observer.observe(root)
  }

  leave() {
    this.observer.disconnect()
  }

  update(data, setStateValue) {
    Object.assign(this, { data, setStateValue })
    if (this.panels.length !== data.panels.length) {
      this.panels = data.panels.map(() => new Panel(this))
      this.board.replaceChildren(...this.panels.map(({ root }) => root))
      this.panels[0]?.head.append(this.line)
    }
    this.board.classList.toggle("single", data.panels.length === 1)
    this.board.setAttribute(
      "aria-label",
      `${data.alt} Arrow keys read the values place by place, + and − zoom, Escape shows everything.`,
    )
    this.draw()
    offerToSave(this.root, data.file)
  }

  // The first and the last place that any line has; what is to come is no place to read yet.
  extent() {
    let [from, to] = [Infinity, -Infinity]
    for (const { series } of this.data.panels) {
      for (const { x, look } of series) {
        if (!x.length || look === "ahead") continue
        from = Math.min(from, x[0])
        to = Math.max(to, x[x.length - 1])
      }
    }
    return from <= to ? [from, to] : [0, 1]
  }

  get isEmpty() {
    return this.data.panels.every(({ series }) => series.every(({ x, look }) => !x.length || look === "ahead"))
  }

  draw() {
    if (!this.data || !this.root.clientWidth) return
    // Before the first value there is nothing to measure an axis by.
    this.board.hidden = this.isEmpty
    this.waits.hidden = !this.isEmpty
    write(this.waits, this.data.waits)
    if (this.isEmpty) return
    const all = this.extent()
    const domain = this.zoom ?? (all[0] === all[1] ? [all[0] - 1, all[1] + 1] : all)
    this.data.panels.forEach((panel, i) => this.panels[i].draw(panel, domain))
    this.all.hidden = !this.zoom
    this.read()
    this.root.dataset.drawn = Number(this.root.dataset.drawn ?? 0) + 1
    Object.assign(this.root.dataset, { from: domain[0], to: domain[1] })
  }

  read() {
    for (const panel of this.panels) panel.read(this.place)
    const last = this.extent()[1]
    const zoomed = this.zoom
      ? ` · shown: step ${short(Math.round(this.zoom[0]))} to ${short(Math.round(this.zoom[1]))}`
      : ""
    const where = this.place === null ? `latest values, step ${short(last)}` : `values at step ${short(this.place)}`
    write(this.where, `${where}${zoomed}`)
  }

  readAt(place, aloud = false) {
    this.place = place
    this.read()
    if (aloud) write(this.said, [this.where, ...this.panels].map((part) => part.words ?? part.textContent).join(". "))
  }

  zoomTo(stretch) {
    const [from, to] = this.extent()
    this.zoom = stretch && [Math.max(from, stretch[0]), Math.min(to, stretch[1])]
    if (this.zoom && !(this.zoom[1] > this.zoom[0])) this.zoom = null
    this.draw()
    this.setStateValue("range", this.zoom)
  }

  press(event) {
    if (event.target !== this.board) return
    const x = this.data.panels[0].series[0]?.x ?? []
    const last = x.length - 1
    const at = this.place === null ? last : nearest(x, this.place)
    const [from, to] = this.zoom ?? this.extent()
    const middle = this.place ?? (from + to) / 2
    const scale = (factor) => this.zoomTo([middle - (middle - from) * factor, middle + (to - middle) * factor])
    const deeds = {
      ArrowLeft: () => this.readAt(x[Math.max(0, at - (event.shiftKey ? 10 : 1))], true),
      ArrowRight: () => this.readAt(x[Math.min(last, at + (event.shiftKey ? 10 : 1))], true),
      Home: () => this.readAt(x[0], true),
      End: () => this.readAt(null, true),
      "+": () => scale(0.5),
      "-": () => scale(2),
      Escape: () => (this.zoomTo(null), this.readAt(null)),
    }
    if (!deeds[event.key] || last < 0) return
    event.preventDefault()
    deeds[event.key]()
  }
}
