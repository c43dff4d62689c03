// What the model said after the prompt: one component brings it, the other draws it.
import { dropGone, unpacked } from "../../app/dom.js"
import { whenWritten } from "./letter.js"
import { Distribution } from "./stages.js"

export const explorers = new Map() // by the element in which each is drawn
export let prompt = null // { tag, seen, pieces, distribution }

export function receive(bytes) {
  const { header, body } = unpacked(bytes)
  if (prompt?.tag === header.tag) return
  const logits = new Float32Array(body.buffer)
  prompt = { ...header, distribution: new Distribution(logits, header.seen) }
  drawAll()
}

function drawAll() {
  dropGone(explorers)
  for (const explorer of explorers.values()) explorer.draw()
}

whenWritten(drawAll)
