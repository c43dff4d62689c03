// A text in pieces, some of them marked.
import { element } from "../../app/dom.js"
import { offerToSave } from "../../app/keep.js"

export default function ({ data, parentElement }) {
  const parts = data.pieces.map(([text, marked]) => element(marked ? "mark" : "span", "", text))
  const root = parentElement.querySelector(".text")
  root.replaceChildren(...parts)
  offerToSave(root, data.file)
}
