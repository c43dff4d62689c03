// Texts side by side, to be compared.
import { element } from "../../app/dom.js"
import { offerToSave } from "../../app/keep.js"
import { legend, Prose } from "./prose.js"
import { toldSettings } from "./words.js"

export default function ({ data, parentElement }) {
  const root = parentElement.querySelector(".columns")
  const row = element("div", "row")
  row.append(...data.texts.map(columnOf))
  root.style.setProperty("--tint", data.tint)
  root.replaceChildren(row, legend())
  offerToSave(root, data.file)
}

function columnOf(text) {
  const column = element("section", "column")
  const prose = new Prose()
  prose.draw(text)
  column.append(
    element("h2", "", text.name),
    element("p", "note", text.note || toldSettings(text.settings)),
    prose.root,
  )
  return column
}
