// One pattern as a square: a row a token that looks, a column a token looked at.
import { element, followWidth, unpacked, write } from "../../app/dom.js"
import { offerToSave } from "../../app/keep.js"
import { columns, label, LABEL_PITCH, sizes } from "./names.js"

export default function (component) {
  const { data, parentElement, setTriggerValue } = component
  const root = parentElement.querySelector(".square")
  const choose = (position) => setTriggerValue("position", position)
  const square = new Square(root, data, parentElement.activeElement, choose)
  offerToSave(root, square.file)
  return followWidth(
    root,
    () => square.width,
    () => square.draw(),
  )
}

// All weights, row by row, of those that are not 0 by nature: each row is one longer than the last.
function squareOf(seen, count) {
  const weights = new Float32Array(count * count)
  for (let row = 0, from = 0; row < count; from += ++row) {
    weights.set(seen.subarray(from, from + row + 1), row * count)
  }
  return weights
}

class Square {
  constructor(root, data, focused, choose) {
    const { header, body } = unpacked(data)
    Object.assign(this, header, { root, choose })
    this.colours = body.subarray(0, 3 * 256)
    this.count = this.tokens.length
    this.weights = squareOf(new Float32Array(body.buffer, 3 * 256), this.count)
    this.blanks = new Set(this.blank)
    this.focused = root.contains(focused) ? focused.dataset.row : null
    this.draw()
  }

  draw() {
    Object.assign(this, sizes(this.root, this.tokens))
    this.side = this.cell * this.count
    this.reading = element("p", "reading")
    this.reading.setAttribute("aria-live", "polite")
    const stage = element("div", "stage")
    stage.setAttribute("role", "group")
    stage.setAttribute("aria-label", this.alt)
    stage.style.fontSize = `${this.letters}px`
    stage.style.gridTemplateColumns = `${this.pieces}px ${this.side}px`
    stage.append(this.rows(), this.canvas(), element("span"), columns(this.tokens, this.cell, this.named))
    stage.addEventListener("keydown", (event) => this.move(event))
    stage.addEventListener("pointerleave", () => this.tell(this.chosen))
    this.root.replaceChildren(this.reading, stage)
    this.paint()
    this.tell(this.chosen)
    if (this.focused) this.row(this.focused)?.focus()
  }

  rows() {
    const rows = element("div", "rows")
    this.tokens.forEach((piece, i) => {
      const isChosen = i === this.chosen
      const row = element("button", isChosen ? "row chosen" : "row")
      row.dataset.row = i
      row.style.height = `${this.cell}px`
      row.tabIndex = isChosen ? 0 : -1
      row.setAttribute("aria-label", `token ${i}, ${piece}: its row`)
      row.setAttribute("aria-pressed", isChosen)
      const isFree = Math.abs(i - this.chosen) * this.cell >= LABEL_PITCH
      if (isChosen || (i % this.named === 0 && isFree)) row.append(...label(i, piece))
      row.addEventListener("focus", () => this.tell(i))
      row.addEventListener("pointerenter", () => this.tell(i))
      row.addEventListener("click", () => this.take(i))
      rows.append(row)
    })
    return rows
  }

  canvas() {
    this.picture = element("canvas", "pixels")
    const at = (event) => {
      const box = this.picture.getBoundingClientRect()
      const place = (offset) => Math.max(0, Math.min(this.count - 1, Math.floor(offset / this.cell)))
      return [place(event.clientY - box.top), place(event.clientX - box.left)]
    }
    this.picture.addEventListener("pointermove", (event) => this.tell(...at(event)))
    this.picture.addEventListener("click", (event) => this.take(at(event)[0]))
    return this.picture
  }

  row(i) {
    return this.root.querySelector(`[data-row="${i}"]`)
  }

  take(i) {
    this.focused = i
    this.choose(i)
  }

  move(event) {
    const now = Number(event.target.dataset.row)
    const to = { ArrowUp: now - 1, ArrowDown: now + 1, Home: 0, End: this.count - 1 }[event.key]
    if (to === undefined || Number.isNaN(now)) return
    event.preventDefault()
    this.row(to)?.focus()
  }

  // Says where a token looks: at one token, or at the one that it looks at most.
  tell(query, key) {
    const name = (i) => `${i} ${this.tokens[i]}`
    const most = key ?? this.strongest(query)
    const weight = this.weights[query * this.count + most].toFixed(3)
    const words = this.blanks.has(query)
      ? `${name(query)}: nothing to show`
      : most > query
        ? `${name(query)} cannot see ${name(most)}, which comes later`
        : key === undefined
          ? `${name(query)} ${this.verbs[0]} ${name(most)}: ${weight}`
          : `${name(query)} ${this.verbs[1]} ${name(most)}: ${weight}`
    write(this.reading, words)
  }

  strongest(query) {
    const row = this.weights.subarray(query * this.count, (query + 1) * this.count)
    return row.indexOf(Math.max(...row))
  }

  paint() {
    const { picture, count, side, cell } = this
    const ratio = window.devicePixelRatio || 1
    picture.width = picture.height = Math.round(side * ratio)
    picture.style.width = picture.style.height = `${side}px`
    const brush = picture.getContext("2d")
    brush.scale(ratio, ratio)
    brush.imageSmoothingEnabled = cell * ratio < 1
    brush.drawImage(this.pixels(), 0, 0, side, side)
    const y = this.chosen * cell
    brush.strokeStyle = this.accent
    brush.lineWidth = 3
    brush.strokeRect(1.5, Math.max(1.5, y), side - 3, Math.min(Math.max(cell, 4), side - Math.max(1.5, y) - 1.5))
    if (side > 200 && count > 3) this.scale(brush)
  }

  pixels() {
    const small = document.createElement("canvas")
    small.width = small.height = this.count
    const image = new ImageData(this.count, this.count)
    for (let i = 0; i < this.weights.length; i++) {
      const level = Math.round(255 * Math.min(1, this.weights[i]))
      image.data.set(this.colours.subarray(3 * level, 3 * level + 3), 4 * i)
      image.data[4 * i + 3] = 255
    }
    small.getContext("2d").putImageData(image, 0, 0)
    return small
  }

  // What the colours mean, in the corner that is always empty.
  scale(brush) {
    const [width, height, right] = [90, 12, this.side - 26]
    for (let x = 0; x < width; x++) {
      const level = Math.round((255 * x) / (width - 1))
      brush.fillStyle = `rgb(${this.colours.subarray(3 * level, 3 * level + 3).join(" ")})`
      brush.fillRect(right - width + x, 10, 1, height)
    }
    const style = getComputedStyle(this.root)
    brush.strokeStyle = brush.fillStyle = style.color
    brush.lineWidth = 1
    brush.strokeRect(right - width, 10, width, height)
    brush.font = `16px ${style.fontFamily}`
    brush.textAlign = "center"
    brush.fillText("0", right - width - 9, 22)
    brush.fillText("1", right + 10, 22)
  }
}
