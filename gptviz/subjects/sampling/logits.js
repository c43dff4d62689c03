// Brings the logits, once a prompt; the explorer draws them.
import { receive } from "./prompt.js"

export default function ({ data }) {
  receive(data)
}
