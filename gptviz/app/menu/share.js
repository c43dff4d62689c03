// An address as a link, with a button that copies it, and as a QR code.
import { element, vector } from "../dom.js"

const QUIET = 4 // modules of white around a QR code, as its standard asks

export default function ({ data, parentElement }) {
  const root = parentElement.querySelector(".share")
  const link = element("a", "address", data.url)
  link.href = data.url
  link.target = "_blank"
  link.rel = "noopener"
  const button = element("button", "copy", data.words.copy)
  button.addEventListener("click", () => {
    button.textContent = copied(link) ? data.words.copied : data.words.failed
  })
  root.replaceChildren(link, button)
  if (data.modules) root.append(picture(data.modules, data.words.alt))
}

// A browser offers its clipboard only to pages that come encrypted, or from its own machine; the old
// way works in a classroom, too.
function copied(link) {
  const marked = document.getSelection()
  marked.removeAllRanges()
  const field = element("textarea", "", link.href)
  field.style.position = "fixed"
  link.after(field)
  field.select()
  const done = document.execCommand("copy")
  field.remove()
  return done
}

function picture(rows, alt) {
  const size = rows.length + 2 * QUIET
  const svg = vector("svg", { viewBox: `0 0 ${size} ${size}`, role: "img", "aria-label": alt })
  svg.append(vector("rect", { width: size, height: size, fill: "#ffffff" }))
  const dark = rows.flatMap((row, y) =>
    [...row.matchAll(/1+/g)].map((run) => `M${run.index + QUIET} ${y + QUIET}h${run[0].length}v1h-${run[0].length}z`),
  )
  svg.append(vector("path", { d: dark.join(""), fill: "#000000", "shape-rendering": "crispEdges" }))
  return svg
}
