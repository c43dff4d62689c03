// Two buttons below each picture: save it as SVG, save it as PNG.
import { element } from "./dom.js"
import { drawnAnew } from "./drawing.js"
import { serveWith } from "./keep.js"

const SCALE = 2 // pixels of the PNG for one of the page
// The buttons hang below the picture, over no part of it. Where nothing can be pointed at, they
// always show, and have a line of their own.
const STYLE = `
.save { position: relative; height: 0; font: 16px/1.2 var(--st-font); }
.save > div { position: absolute; right: 0; z-index: 3; display: flex; gap: 6px; opacity: 0; }
:hover + .save > div, .save:hover > div, :focus-within + .save > div, .save:focus-within > div { opacity: 1; }
.save button { min-height: 26px; padding: 2px 10px; border: 1px solid var(--gptviz-mark); border-radius: 999px; background: var(--st-background-color); color: var(--st-text-color); font: inherit; font-weight: 400; cursor: pointer; }
.save button:hover { border-color: var(--st-primary-color); color: var(--st-primary-color); }
.save button:focus-visible { outline: 2px dashed var(--st-text-color); outline-offset: 2px; }
@media (hover: none) { .save { height: 30px; } .save > div { opacity: 1; } }
`

export default function () {
  serveWith(giveButtons)
}

function giveButtons(root) {
  if (root.nextElementSibling?.classList.contains("save")) return
  const bar = element("div", "save")
  const buttons = element("div")
  buttons.append(
    button("Save as SVG", () => saveSvg(root)),
    button("Save as PNG", () => savePng(root)),
  )
  bar.append(element("style", "", STYLE), buttons)
  root.after(bar)
}

function button(label, save) {
  const made = element("button", "", label)
  made.type = "button"
  made.addEventListener("click", save)
  return made
}

async function saveSvg(root) {
  const { text } = await drawnAnew(root)
  download(new Blob([text], { type: "image/svg+xml" }), `${root.dataset.file}.svg`)
}

async function savePng(root) {
  const { text, width, height } = await drawnAnew(root)
  const picture = new Image()
  picture.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(text)}`
  await picture.decode()
  const canvas = element("canvas")
  canvas.width = width * SCALE
  canvas.height = height * SCALE
  canvas.getContext("2d").drawImage(picture, 0, 0, canvas.width, canvas.height)
  canvas.toBlob((blob) => download(blob, `${root.dataset.file}.png`), "image/png")
}

function download(blob, name) {
  const link = element("a")
  link.href = URL.createObjectURL(blob)
  link.download = name
  link.click()
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000) // the browser has begun to read by then
}
