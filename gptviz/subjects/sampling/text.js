// Brings the text as far as it is written; the explorer draws it.
import { receiveText } from "./letter.js"

export default function ({ data }) {
  receiveText(data)
}
