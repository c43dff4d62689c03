// Where the letters of a text lie on the page: its lines, or the one line that runs up or down.

// Each line as { text, box, at, length, turn }: where its baseline begins, and by how many degrees it
// is turned. `above` is the part of a line's height that is above the baseline.
export function lettering(node, style, above, unscaled) {
  if (style.writingMode !== "horizontal-tb") return [upright(node, above, unscaled)].filter(({ text }) => text)
  return lines(node, unscaled)
    .map(({ text, box }) => ({ text: text.trimEnd(), box, at: [box.x, box.y + box.height * above], length: box.width }))
    .filter(({ text }) => text)
}

function lines(node, unscaled) {
  const range = document.createRange()
  const found = []
  let at = 0
  for (const letter of node.data) {
    range.setStart(node, at)
    range.setEnd(node, (at += letter.length))
    const shown = [...range.getClientRects()].find(({ width }) => width > 0)
    const box = shown && unscaled(shown)
    const line = found.at(-1)
    if (!box) {
      if (line && letter.trim()) line.text += letter // a sign that stands on the one before it
    } else if (line && Math.abs(line.box.y - box.y) < 2) {
      line.text += letter
      if (letter.trim()) line.box.width = box.x + box.width - line.box.x
    } else {
      found.push({ text: letter, box })
    }
  }
  return found
}

// A text written from the top down, or from the bottom up where it is turned around.
function upright(node, above, unscaled) {
  const range = document.createRange()
  range.selectNodeContents(node)
  const box = unscaled(range.getBoundingClientRect())
  const text = box.height > 0 ? node.data.trim() : ""
  const isTurned = isUpsideDown(node.parentElement)
  const at = isTurned ? [box.x + box.width * above, box.y + box.height] : [box.x + box.width * (1 - above), box.y]
  return { text, box, at, length: box.height, turn: isTurned ? -90 : 90 }
}

function isUpsideDown(part) {
  let isTurned = false
  for (let one = part; one; one = one.parentElement) {
    const { transform } = getComputedStyle(one)
    if (transform !== "none" && new DOMMatrix(transform).a < 0) isTurned = !isTurned
  }
  return isTurned
}
