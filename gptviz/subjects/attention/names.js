// The names of tokens along the sides of a square of rows and columns.
import { element } from "../../app/dom.js"

const WIDEST_PIECES = 130
const LARGEST_CELL = 44
const SHARE_OF_SCREEN = 0.36 // of its height
export const LABEL_PITCH = 15 // pixels that the name of a token takes

// How large the cells of a square for these tokens are in an element, and what their names take.
// They are of the size that is wished for, if the element is wide enough, even on a low screen.
export function sizes(root, tokens, wished = 0) {
  const width = root.clientWidth
  const longest = Math.max(...tokens.map((piece, i) => `${i} ${piece}`.length))
  const pieces = Math.min(WIDEST_PIECES, width * 0.3, longest * 9 + 14)
  const tall = SHARE_OF_SCREEN * window.innerHeight
  const room = Math.min(width - pieces - 14, Math.max(220, tall, wished * tokens.length))
  const cell = Math.min(LARGEST_CELL, room / tokens.length)
  const named = Math.max(1, Math.ceil(LABEL_PITCH / cell)) // every token, or every second, third …
  return { width, pieces, cell, named, letters: Math.max(12, Math.min(16, cell - 2)) }
}

export function label(i, piece) {
  return [element("span", "position", i), element("span", "piece", piece)]
}

// The names below the columns, from bottom to top.
export function columns(tokens, cell, named) {
  const made = element("div", "columns")
  made.setAttribute("aria-hidden", "true")
  tokens.forEach((piece, i) => {
    const column = element("span", "key")
    column.style.width = `${cell}px`
    if (i % named === 0) {
      const name = element("span", "down")
      name.append(...label(i, piece))
      column.append(name)
    }
    made.append(column)
  })
  return made
}
