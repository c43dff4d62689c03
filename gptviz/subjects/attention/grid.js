// All heads of all layers at a glance: one canvas of pixels, and on each head a button.
import { element, followWidth, unpacked } from "../../app/dom.js"
import { offerToSave } from "../../app/keep.js"

const LABEL_WIDTH = 30
const LABEL_HEIGHT = 28
const SHARE_OF_SCREEN = 0.4 // of its height
const SMALLEST_CELL = 24
const LARGEST_CELL = 84

export default function (component) {
  const { data, parentElement, setTriggerValue } = component
  const root = parentElement.querySelector(".heads")
  const choose = (layer, head) => setTriggerValue("head", [layer, head])
  const started = performance.now()
  const grid = new Grid(root, data, parentElement.activeElement, choose)
  offerToSave(root, grid.file)
  root.dataset.drawMs = (performance.now() - started).toFixed(1) // for benchmarks
  return followWidth(
    root,
    () => grid.width,
    () => grid.draw(),
  )
}

class Grid {
  constructor(root, data, focused, choose) {
    const { header, body } = unpacked(data)
    Object.assign(this, header, { root, choose })
    this.colours = body.subarray(0, 3 * 256)
    this.weights = body.subarray(3 * 256)
    this.focused = root.contains(focused) ? focused.dataset.head : null
    this.mosaic = this.inColour()
    this.draw()
  }

  // Every weight as one pixel; the heads lie as on the board.
  inColour() {
    const palette = new Uint32Array(256).map((_, level) => {
      const [red, green, blue] = this.colours.subarray(3 * level, 3 * level + 3)
      return (255 << 24) | (blue << 16) | (green << 8) | red
    })
    const mosaic = document.createElement("canvas")
    mosaic.width = this.size * this.heads
    mosaic.height = this.size * this.layers
    const image = new ImageData(mosaic.width, mosaic.height)
    const pixels = new Uint32Array(image.data.buffer)
    for (let i = 0; i < pixels.length; i++) pixels[i] = palette[this.weights[i]]
    mosaic.getContext("2d").putImageData(image, 0, 0)
    return mosaic
  }

  draw() {
    this.width = this.root.clientWidth
    this.measure()
    this.root.replaceChildren(this.board())
    this.paint()
    if (this.focused) this.root.querySelector(`[data-head="${this.focused}"]`)?.focus()
  }

  // As large as the place and the screen allow, and large enough for a finger.
  measure() {
    const wide = (this.width - LABEL_WIDTH) / this.heads
    const tall = (SHARE_OF_SCREEN * window.innerHeight - LABEL_HEIGHT) / this.layers
    this.cell = Math.floor(Math.max(SMALLEST_CELL, Math.min(wide, tall, LARGEST_CELL)))
  }

  board() {
    const { layers, heads, cell } = this
    const board = element("div", "board")
    board.setAttribute("role", "group")
    board.setAttribute("aria-label", this.alt)
    board.style.gridTemplateColumns = `${LABEL_WIDTH}px repeat(${heads}, ${cell}px)`
    board.style.gridTemplateRows = `${LABEL_HEIGHT}px repeat(${layers}, ${cell}px)`
    this.canvas = element("canvas", "pixels")
    this.canvas.style.left = `${LABEL_WIDTH}px`
    this.canvas.style.top = `${LABEL_HEIGHT}px`
    board.append(this.canvas, element("span"))
    for (let head = 0; head < heads; head++) {
      board.append(element("span", "label", this.roomFor(head, 36) ? `H${head}` : ""))
    }
    for (let layer = 0; layer < layers; layer++) {
      board.append(element("span", "label", this.roomFor(layer, 20) ? `L${layer}` : ""))
      for (let head = 0; head < heads; head++) board.append(this.button(layer, head))
    }
    board.addEventListener("keydown", (event) => this.move(event))
    return board
  }

  roomFor(index, size) {
    return index % Math.ceil(size / this.cell) === 0
  }

  button(layer, head) {
    const isChosen = layer === this.chosen[0] && head === this.chosen[1]
    const button = element("button", isChosen ? "head chosen" : "head")
    button.dataset.head = `${layer},${head}`
    button.title = `L${layer} H${head}`
    button.setAttribute("aria-label", button.title)
    button.setAttribute("aria-pressed", isChosen)
    button.tabIndex = isChosen ? 0 : -1
    button.addEventListener("click", () => {
      this.focused = button.dataset.head
      this.choose(layer, head)
    })
    return button
  }

  move(event) {
    const step = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[event.key]
    const from = event.target.dataset.head?.split(",").map(Number)
    if (!step || !from) return
    event.preventDefault()
    const to = from.map((index, axis) => index + step[axis]).join(",")
    this.root.querySelector(`[data-head="${to}"]`)?.focus()
  }

  paint() {
    const { layers, heads, cell, canvas } = this
    const ratio = window.devicePixelRatio || 1
    canvas.width = Math.round(heads * cell * ratio)
    canvas.height = Math.round(layers * cell * ratio)
    canvas.style.width = `${heads * cell}px`
    canvas.style.height = `${layers * cell}px`
    const brush = canvas.getContext("2d")
    brush.scale(ratio, ratio)
    brush.imageSmoothingEnabled = this.size > (cell - 4) * ratio
    brush.imageSmoothingQuality = "high"
    for (let layer = 0; layer < layers; layer++) {
      for (let head = 0; head < heads; head++) {
        this.copy(brush, layer, head, head * cell + 2, layer * cell + 2, cell - 4)
      }
    }
  }

  copy(brush, layer, head, x, y, side) {
    const { size } = this
    brush.drawImage(this.mosaic, head * size, layer * size, size, size, x, y, side, side)
  }
}
