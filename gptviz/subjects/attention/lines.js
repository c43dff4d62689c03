// Lines from each token that looks (left) to the tokens it looks at (right).
import { element, followWidth } from "../../app/dom.js"
import { offerToSave } from "../../app/keep.js"

const WIDEST_CHIP = 190
const NARROWEST_CHIP = 64
const WEIGHT_WIDTH = 38
const WIDEST_SPAN = 420
const NARROWEST_SPAN = 80
const SHOWN_FROM = 0.005 // a weight that would be written 0.00 gets no number

export default function (component) {
  const { data, parentElement, setTriggerValue } = component
  const root = parentElement.querySelector(".lines")
  const choose = (position) => setTriggerValue("position", position)
  const lines = new Lines(root, data, parentElement.activeElement, choose)
  offerToSave(root, data.file)
  return followWidth(
    root,
    () => lines.width,
    () => lines.draw(),
  )
}

class Lines {
  constructor(root, data, focused, choose) {
    Object.assign(this, data, { root, choose })
    this.pitch = data.tokens.length > 32 ? 24 : 30
    this.focused = root.contains(focused) ? focused.dataset.place : null
    this.draw()
  }

  draw() {
    this.width = this.root.clientWidth
    const room = (this.width - Math.max(NARROWEST_SPAN, this.width / 4)) / 2 - WEIGHT_WIDTH
    this.chipWidth = Math.max(NARROWEST_CHIP, Math.min(WIDEST_CHIP, room))
    const sides = 2 * (this.chipWidth + WEIGHT_WIDTH)
    this.span = Math.max(NARROWEST_SPAN, Math.min(WIDEST_SPAN, this.width - sides))
    this.canvas = element("canvas", "threads")
    const stage = element("div", "stage")
    stage.style.height = `${this.tokens.length * this.pitch}px`
    stage.setAttribute("role", "group")
    stage.setAttribute("aria-label", this.alt)
    stage.append(this.column("query"), this.canvas, this.column("key"))
    stage.addEventListener("keydown", (event) => this.move(event))
    stage.addEventListener("pointerleave", () => this.isolate(null))
    stage.addEventListener("focusout", () => this.isolate(null))
    const heads = element("div", "titles")
    heads.append(element("span", "", "looks (query)"), element("span", "", "is looked at (key)"))
    heads.style.width = `${this.span + sides}px`
    this.root.replaceChildren(heads, stage)
    this.isolate(null)
    if (this.focused) this.root.querySelector(`[data-place="${this.focused}"]`)?.focus()
  }

  column(side) {
    const column = element("div", `column ${side}`)
    this.tokens.forEach((piece, lane) => {
      const row = element("div", "row")
      row.style.height = `${this.pitch}px`
      row.append(this.chip(side, lane, piece), element("span", "weight"))
      column.append(row)
    })
    return column
  }

  chip(side, lane, piece) {
    const position = this.positions[lane]
    const isChosen = lane === this.chosen
    const chip = element("button", isChosen ? "chip chosen" : "chip")
    chip.style.width = `${this.chipWidth}px`
    chip.dataset.place = `${side},${lane}`
    chip.tabIndex = side === "query" && isChosen ? 0 : -1
    chip.title = `${position} ${piece}`
    const whatFor = side === "query" ? "where it looks" : "what looks at it"
    chip.setAttribute("aria-label", `token ${position}, ${piece}: ${whatFor}`)
    chip.append(element("span", "position", position), element("span", "piece", piece))
    chip.addEventListener("pointerenter", () => this.isolate([side, lane]))
    chip.addEventListener("focus", () => this.isolate([side, lane]))
    chip.addEventListener("click", () => {
      this.focused = chip.dataset.place
      this.choose(position)
    })
    return chip
  }

  move(event) {
    const [side, lane] = event.target.dataset.place?.split(",") ?? []
    const to = {
      ArrowUp: [side, lane - 1],
      ArrowDown: [side, Number(lane) + 1],
      ArrowLeft: ["query", lane],
      ArrowRight: ["key", lane],
    }[event.key]
    if (!side || !to) return
    event.preventDefault()
    this.root.querySelector(`[data-place="${to.join(",")}"]`)?.focus()
  }

  // Show the lines of one token alone, with their weights; of all tokens, if place is null.
  isolate(place) {
    const [side, lane] = place ?? []
    const weightAt = (query, key) => this.weights[query][key] ?? 0
    for (const chip of this.root.querySelectorAll(".chip")) {
      const [chipSide, chipLane] = chip.dataset.place.split(",")
      const isItself = side === chipSide && lane === Number(chipLane)
      const weight = side === "query" ? weightAt(lane, Number(chipLane)) : place && weightAt(Number(chipLane), lane)
      const isOther = place && side !== chipSide
      chip.classList.toggle("isolated", isItself)
      chip.nextSibling.textContent = isOther && weight >= SHOWN_FROM ? weight.toFixed(2) : ""
    }
    this.paint((query, key) => !place || lane === (side === "query" ? query : key))
  }

  paint(isShown) {
    const { canvas, span, pitch } = this
    const ratio = window.devicePixelRatio || 1
    const height = this.tokens.length * pitch
    canvas.width = Math.round(span * ratio)
    canvas.height = Math.round(height * ratio)
    canvas.style.width = `${span}px`
    canvas.style.height = `${height}px`
    const brush = canvas.getContext("2d")
    brush.scale(ratio, ratio)
    brush.lineWidth = 2.5
    const style = getComputedStyle(this.root)
    const accent = style.getPropertyValue("--st-primary-color")
    this.weights.forEach((row, query) => {
      brush.strokeStyle = query === this.chosen ? accent : style.color
      row.forEach((weight, key) => {
        if (!weight || !isShown(query, key)) return
        const from = (query + 0.5) * pitch
        const to = (key + 0.5) * pitch
        brush.globalAlpha = weight
        brush.beginPath()
        brush.moveTo(0, from)
        brush.bezierCurveTo(span / 2, from, span / 2, to, span, to)
        brush.stroke()
      })
    })
  }
}
