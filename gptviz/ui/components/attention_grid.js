// All heads of all layers at a glance: one canvas of pixels, and on each head a button.
const LABEL_WIDTH = 44
const LABEL_HEIGHT = 28
const TALLEST_BOARD = 360
const LARGEST_CELL = 84
const PREVIEW = 270
const PIECES_WIDTH = 130 // at most, as in the style sheet
const GAP = 24

export default function (component) {
  const { data, parentElement, setTriggerValue } = component
  const root = parentElement.querySelector(".heads")
  const choose = (layer, head) => setTriggerValue("head", [layer, head])
  const started = performance.now()
  const grid = new Grid(root, data, parentElement.activeElement, choose)
  root.dataset.drawMs = (performance.now() - started).toFixed(1) // for benchmarks
  const observer = new ResizeObserver(() => {
    if (root.clientWidth !== grid.width) grid.draw()
  })
  observer.observe(root)
  return () => observer.disconnect()
}

class Grid {
  constructor(root, data, focused, choose) {
    const bytes = new DataView(data.buffer, data.byteOffset)
    const start = 4 + bytes.getUint32(0, true)
    const header = JSON.parse(new TextDecoder().decode(data.subarray(4, start)))
    Object.assign(this, header, { root, choose })
    this.colours = data.subarray(start, start + 3 * 256)
    this.weights = data.subarray(start + 3 * 256)
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
    this.root.replaceChildren(this.board(), this.preview())
    this.paint()
    this.show(...this.chosen)
    if (this.focused) this.root.querySelector(`[data-head="${this.focused}"]`)?.focus()
  }

  measure() {
    const fits = (width) => Math.floor((width - LABEL_WIDTH) / this.heads)
    const tallest = Math.floor((TALLEST_BOARD - LABEL_HEIGHT) / this.layers)
    const beside = Math.min(tallest, LARGEST_CELL, fits(this.width - PREVIEW - PIECES_WIDTH - GAP))
    const alone = Math.min(tallest, LARGEST_CELL, fits(this.width))
    this.hasPreview = beside >= 0.8 * alone
    this.cell = Math.max(10, this.hasPreview ? beside : alone)
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
    board.append(this.canvas, element("span", ""))
    for (let head = 0; head < heads; head++) {
      board.append(element("span", "label", this.roomFor(head, 36) ? `H${head}` : ""))
    }
    for (let layer = 0; layer < layers; layer++) {
      board.append(element("span", "label", this.roomFor(layer, 20) ? `L${layer}` : ""))
      for (let head = 0; head < heads; head++) board.append(this.button(layer, head))
    }
    board.addEventListener("keydown", (event) => this.move(event))
    board.addEventListener("pointerleave", () => this.show(...this.chosen))
    return board
  }

  roomFor(index, size) {
    return index % Math.ceil(size / this.cell) === 0
  }

  button(layer, head) {
    const isChosen = layer === this.chosen[0] && head === this.chosen[1]
    const button = element("button", isChosen ? "head chosen" : "head")
    button.dataset.head = `${layer},${head}`
    button.setAttribute("aria-label", `L${layer} H${head}`)
    button.setAttribute("aria-pressed", isChosen)
    button.tabIndex = isChosen ? 0 : -1
    button.addEventListener("pointerenter", () => this.show(layer, head))
    button.addEventListener("focus", () => this.show(layer, head))
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

  preview() {
    const side = Math.max(1, Math.floor(PREVIEW / this.size)) * this.size
    this.name = element("figcaption", "name")
    this.close = element("canvas", "close")
    this.close.width = this.close.height = side
    const pieces = element("div", "pieces")
    for (const piece of this.tokens) pieces.append(element("span", "", piece))
    const scale = element("div", "scale")
    const bar = element("span", "bar")
    const stops = Array.from({ length: 9 }, (_, i) => this.colour(Math.round((255 * i) / 8)))
    bar.style.background = `linear-gradient(to right, ${stops.join(", ")})`
    scale.append("0", bar, "1")
    const preview = element("figure", "preview")
    preview.style.display = this.hasPreview ? "grid" : "none"
    preview.style.gridTemplateColumns = `auto ${side}px`
    preview.append(this.name, pieces, this.close, scale)
    return preview
  }

  colour(level) {
    return `rgb(${this.colours.subarray(3 * level, 3 * level + 3).join(" ")})`
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

  show(layer, head) {
    if (!this.hasPreview) return
    this.name.textContent = `L${layer} H${head}`
    const brush = this.close.getContext("2d")
    brush.imageSmoothingEnabled = false
    this.copy(brush, layer, head, 0, 0, this.close.width)
  }
}

function element(tag, className, text = "") {
  const made = document.createElement(tag)
  made.className = className
  made.textContent = text
  return made
}
