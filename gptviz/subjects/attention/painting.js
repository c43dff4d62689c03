// A pattern to paint: a row a token that looks, a column a token looked at; drag, click or press
// the space bar. What is painted goes to the page when the pointer is lifted.
import { element, followWidth, pictureIn, write } from "../../app/dom.js"
import { offerToSave } from "../../app/keep.js"
import { columns, label, sizes } from "./names.js"

const EASY_TO_HIT = 14 // pixels of a square
const STEPS = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }
const boards = new Map() // by the element in which each is drawn

export default function (component) {
  const { data, parentElement, setTriggerValue } = component
  const root = parentElement.querySelector(".painting")
  const board = pictureIn(boards, root, () => new Board(root, parentElement.querySelector(".controls")))
  board.update(data, (squares) => setTriggerValue("squares", squares))
  offerToSave(root, data.file)
}

// Squares have numbers, row by row: row i begins at i · (i + 1) / 2, for it has i + 1 of them.
function numberOf(row, column) {
  return (row * (row + 1)) / 2 + column
}

function keyOf(squares) {
  return [...squares].sort((a, b) => a - b).join()
}

class Board {
  painted = new Set()
  drawnFor = null // the tokens on the board
  asked = null // what was painted and the page does not know yet
  stroke = null // while the pointer is down: what it does, and where it is

  constructor(root, controls) {
    Object.assign(this, { root, controls })
    this.end = followWidth(
      root,
      () => this.width,
      () => this.draw(),
    )
  }

  leave() {
    this.end()
  }

  // Show the painting of the page, unless the reader has gone on painting.
  update(data, send) {
    Object.assign(this, { data, send })
    const tokens = JSON.stringify(data.tokens)
    if (this.asked === keyOf(data.painted) || tokens !== this.drawnFor) this.asked = null
    if (tokens !== this.drawnFor) this.stroke = null
    if (this.asked === null && !this.stroke) this.painted = new Set(data.painted)
    if (tokens !== this.drawnFor) this.draw()
    else this.show()
    this.drawnFor = tokens
  }

  draw() {
    if (!this.data) return
    const { tokens, alt } = this.data
    Object.assign(this, sizes(this.root, tokens, EASY_TO_HIT))
    const focused = this.root.getRootNode().activeElement?.dataset.square
    this.reading = element("p", "reading")
    this.reading.setAttribute("aria-live", "polite")
    const stage = element("div", "stage")
    stage.setAttribute("role", "group")
    stage.setAttribute("aria-label", alt)
    stage.style.fontSize = `${this.letters}px`
    stage.style.gridTemplateColumns = `${this.pieces}px ${this.cell * tokens.length}px`
    stage.append(this.rows(), this.squares(), element("span"), columns(tokens, this.cell, this.named))
    const scroll = element("div", "scroll")
    scroll.append(stage)
    this.root.replaceChildren(this.reading, scroll)
    const entry = this.buttons[focused] ?? this.buttons[0]
    entry.tabIndex = 0
    if (focused) entry.focus()
    this.show()
  }

  rows() {
    const rows = element("div", "rows")
    rows.setAttribute("aria-hidden", "true")
    this.data.tokens.forEach((piece, i) => {
      const row = element("span", "row")
      row.style.height = `${this.cell}px`
      if (i % this.named === 0) row.append(...label(i, piece))
      rows.append(row)
    })
    return rows
  }

  squares() {
    const { tokens } = this.data
    const name = (i) => `${i} ${tokens[i]}`
    this.field = element("div", "field")
    this.field.style.gridTemplateColumns = `repeat(${tokens.length}, ${this.cell}px)`
    this.field.style.gridAutoRows = `${this.cell}px`
    this.buttons = []
    tokens.forEach((_, row) => {
      for (let column = 0; column <= row; column++) {
        const square = element("button", "square")
        square.type = "button"
        square.style.gridArea = `${row + 1} / ${column + 1}`
        square.dataset.square = this.buttons.length
        square.tabIndex = -1
        square.setAttribute("aria-label", `${name(row)} looks at ${name(column)}`)
        this.buttons.push(square)
      }
    })
    this.field.append(...this.buttons)
    this.listen()
    return this.field
  }

  listen() {
    const { field } = this
    field.addEventListener("pointerdown", (event) => this.begin(event))
    field.addEventListener("pointermove", (event) => this.move(event))
    field.addEventListener("pointerup", () => this.finish())
    field.addEventListener("pointercancel", () => this.breakOff())
    field.addEventListener("pointerleave", () => this.tell())
    field.addEventListener("focusin", (event) => this.tell(event.target))
    field.addEventListener("focusout", () => this.tell())
    field.addEventListener("keydown", (event) => this.step(event))
    // A click without a pointer comes from the keyboard or from a screen reader.
    field.addEventListener("click", (event) => {
      if (event.detail === 0) this.turn(Number(event.target.dataset.square))
    })
  }

  // The row and the column under the pointer, which may be beyond the board.
  under(event) {
    const box = this.field.getBoundingClientRect()
    const side = box.width / this.data.tokens.length
    return [event.clientY - box.top, event.clientX - box.left].map((offset) => Math.floor(offset / side))
  }

  at(row, column) {
    const isThere = row < this.data.tokens.length && column >= 0 && column <= row
    return isThere ? numberOf(row, column) : null
  }

  begin(event) {
    if (event.button !== 0 || !event.isPrimary || !event.target.dataset.square) return
    this.field.setPointerCapture(event.pointerId)
    const place = this.under(event)
    this.stroke = { before: new Set(this.painted), paints: null, place }
    this.focus(event.target)
    this.brush(place)
  }

  // A quick pointer is seen here and there only: what lies between is painted, too.
  move(event) {
    const place = this.under(event)
    if (!this.stroke) return this.tell(this.buttons[this.at(...place)])
    const from = this.stroke.place
    const moved = place.map((to, axis) => to - from[axis])
    const count = Math.max(...moved.map(Math.abs))
    for (let i = 1; i <= count; i++)
      this.brush(from.map((start, axis) => start + Math.round((i / count) * moved[axis])))
    this.stroke.place = place
  }

  brush(place) {
    const square = this.at(...place)
    if (square === null) return
    this.stroke.paints ??= !this.painted.has(square)
    if (this.stroke.paints) this.painted.add(square)
    else this.painted.delete(square)
    this.show(this.buttons[square])
  }

  finish() {
    if (!this.stroke) return
    const before = keyOf(this.stroke.before)
    this.stroke = null
    if (keyOf(this.painted) !== before) this.ask(this.painted)
  }

  breakOff() {
    if (this.stroke) this.painted = this.stroke.before
    this.stroke = null
    this.show()
  }

  turn(square) {
    const painted = new Set(this.painted)
    if (!painted.delete(square)) painted.add(square)
    this.ask(painted, this.buttons[square])
  }

  ask(painted, told) {
    this.painted = new Set(painted)
    this.asked = keyOf(this.painted)
    this.send([...this.painted].sort((a, b) => a - b))
    this.show(told)
  }

  step(event) {
    const step = STEPS[event.key]
    if (!step || !event.target.dataset.square) return
    event.preventDefault()
    const row = event.target.style.gridRowStart - 1 + step[0]
    const next = this.buttons[this.at(row, event.target.style.gridColumnStart - 1 + step[1])]
    if (next) this.focus(next)
  }

  // One stop for the tab key; the arrow keys go from square to square.
  focus(square) {
    for (const other of this.buttons) other.tabIndex = other === square ? 0 : -1
    square.focus()
  }

  show(told) {
    this.buttons.forEach((square, i) => square.setAttribute("aria-pressed", this.painted.has(i)))
    this.control()
    this.tell(told)
  }

  // The buttons are made once, so that the one that was pressed keeps the focus.
  control() {
    const { starts, words } = this.data
    const names = JSON.stringify([starts.map(({ title }) => title), words])
    if (this.controls.dataset.names !== names) {
      this.controls.dataset.names = names
      const buttons = [...starts, { title: words.clear }].map(({ title }, i) => {
        const button = element("button", "start", title)
        button.type = "button"
        button.addEventListener("click", () => this.ask(this.data.starts[i]?.squares ?? []))
        return button
      })
      this.controls.replaceChildren(element("span", "", words.start), ...buttons)
    }
    const now = keyOf(this.painted)
    const buttons = this.controls.querySelectorAll("button")
    starts.forEach(({ squares }, i) => {
      buttons[i].disabled = !squares.length
      buttons[i].setAttribute("aria-pressed", squares.length > 0 && keyOf(squares) === now)
    })
    buttons[starts.length].disabled = !now
  }

  tell(square) {
    const count = this.painted.size
    const { words } = this.data
    const all = count === 0 ? words.none : count === 1 ? words.one : words.several.replace("{count}", count)
    write(this.reading, square?.getAttribute("aria-label") ?? all)
  }
}
