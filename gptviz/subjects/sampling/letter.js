// The text as far as it is written. It is sent many times while it grows, and this with it each
// time; so it knows nothing of the pictures that draw it.
export let written = null // of `message` in book.py, with the tag of its prompt
let draw = () => {}

export function whenWritten(callback) {
  draw = callback
}

export function receiveText(text) {
  written = text
  draw()
}
