// What every picture is made of. All text is set with textContent: a token may be anything.
const SVG = "http://www.w3.org/2000/svg"

export function element(name, className = "", text = "") {
  const made = document.createElement(name)
  made.className = className
  made.textContent = text
  return made
}

export function vector(name, attributes = {}) {
  const made = document.createElementNS(SVG, name)
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value)
  return made
}

// A text inside a vector picture.
export function words(text, x, y, anchor = "start", attributes = {}) {
  const made = vector("text", { x, y, "text-anchor": anchor, ...attributes })
  made.textContent = text
  return made
}

// Leaves a text that is there already alone, so that a reader can mark and copy it.
export function write(part, text) {
  if (part.textContent !== text) part.textContent = text
}

// Sets the attributes of a part, or hides it.
export function place(part, attributes) {
  part.style.display = attributes ? "" : "none"
  for (const [name, value] of Object.entries(attributes || {})) part.setAttribute(name, value)
}

// Takes apart what component.py packs: the length of a JSON header, the header, and a body, whose
// buffer holds nothing else; all little-endian.
export function unpacked(bytes) {
  const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true)
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(4, 4 + length)))
  return { header, body: bytes.slice(4 + length) }
}

// Of pictures by the element in which each is drawn, the one in an element, made if it is new.
export function pictureIn(pictures, root, make) {
  dropGone(pictures)
  if (!pictures.has(root)) pictures.set(root, make())
  return pictures.get(root)
}

// Lets the pictures go whose elements are no longer on the page.
export function dropGone(pictures) {
  for (const [root, picture] of pictures) {
    if (root.isConnected) continue
    picture.leave()
    pictures.delete(root)
  }
}

// How many times as large as it was drawn a part is shown: the presenter scales the page.
export function scaleOf(part) {
  return part.getBoundingClientRect().width / part.clientWidth || 1
}

// Draws again when the width of an element is no longer the one that was drawn for; returns how to
// end that.
export function followWidth(root, drawnWidth, draw) {
  const observer = new ResizeObserver(() => {
    if (root.clientWidth !== drawnWidth()) draw()
  })
  observer.observe(root)
  return () => observer.disconnect()
}
