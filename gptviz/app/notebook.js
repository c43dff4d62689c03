// Draws a picture where no server stands behind it: in a notebook, from numbers that lie beside it.
import { element } from "./dom.js"

// `name` is the class of the places that hold this picture: a notebook may show one output twice.
export function show(name, draw, { style, root, packed, data }) {
  for (const host of document.querySelectorAll(`.${name}`)) {
    if (host.shadowRoot) continue
    const parentElement = host.attachShadow({ mode: "open" })
    parentElement.append(element("style", "", style), element("div", root))
    const numbers = packed ? Uint8Array.from(atob(packed), (letter) => letter.charCodeAt(0)) : data
    draw({ data: numbers, parentElement, setTriggerValue: () => {} })
  }
}
