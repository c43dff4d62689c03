// The sampling page's main picture: the text, and the dice that write it. A drag sends nothing to
// the server, for all but the text is computed here; the text stands there only with the settings
// that made it.
import { element, pictureIn, write } from "../../app/dom.js"
import { offerToSave } from "../../app/keep.js"
import { Bars, Summary } from "./bars.js"
import { Curve } from "./curve.js"
import { written } from "./letter.js"
import { explorers, prompt } from "./prompt.js"
import { legend, Prose } from "./prose.js"
import { Rules } from "./rules.js"
import { Sliders } from "./sliders.js"
import { toldSettings } from "./words.js"

export default function (component) {
  const { data, parentElement, setTriggerValue } = component
  const root = parentElement.querySelector(".explorer")
  pictureIn(explorers, root, () => new Explorer(root, data)).update(data, setTriggerValue)
  offerToSave(root, data.file)
}

class Explorer {
  constructor(root, data) {
    Object.assign(this, { root, data, settings: null, seed: 0, fromServer: "", heardOf: null })
    this.sent = [] // settings that the server has not yet answered
    this.sliders = new Sliders(
      data,
      () => this.settings,
      (settings) => {
        this.settings = settings
        this.askToDraw()
      },
      () => this.commit(),
    )
    this.status = element("p", "status")
    this.status.setAttribute("role", "status")
    this.prose = new Prose("Touch a word: why could it be drawn?")
    this.parts = [new Summary(), new Bars()]
    this.folded = [new Curve(), new Rules()]
    const both = element("div", "both")
    both.append(this.left(), this.right(), this.below())
    root.replaceChildren(both)
  }

  left() {
    const left = element("section", "text")
    const throwAgain = element("button", "", "Throw other dice")
    throwAgain.type = "button"
    throwAgain.addEventListener("click", () => {
      this.seed = (this.seed + 1) % this.data.seeds
      this.send("seed", this.seed)
      this.draw()
    })
    const line = element("div", "line")
    line.append(throwAgain, legend())
    left.append(this.status, this.prose.root, line)
    return left
  }

  right() {
    const right = element("section", "dice")
    right.append(this.sliders.root, this.sliders.presets, this.sliders.more, ...this.parts.map(({ root }) => root))
    return right
  }

  below() {
    this.more = element("details", "more")
    const rules = element("div", "folded")
    rules.append(...this.folded.map(({ root }) => root))
    this.more.append(element("summary", "", "Rule by rule"), rules)
    this.more.addEventListener("toggle", () => this.draw())
    return this.more
  }

  leave() {
    for (const part of this.folded) part.leave?.()
  }

  update(data, send) {
    Object.assign(this, { data, send })
    this.root.style.setProperty("--tint", data.tint)
    this.draw()
  }

  // What the server holds comes with the text. It repeats what was sent to it; only what it did not
  // hear from here moves a slider.
  hear() {
    if (this.heardOf === written) return
    this.heardOf = written
    this.seed = written.seed
    const settings = JSON.stringify(written.settings)
    const echo = this.sent.indexOf(settings)
    if (echo >= 0) this.sent.splice(0, echo + 1)
    else if (settings !== this.fromServer) this.settings = written.settings
    this.fromServer = settings
  }

  askToDraw() {
    this.frame ??= requestAnimationFrame(() => {
      this.frame = null
      this.draw()
    })
  }

  // Whether the server knows the settings that are shown here.
  get heard() {
    return JSON.stringify(this.settings) === (this.sent.at(-1) ?? this.fromServer)
  }

  commit() {
    if (this.heard) return
    this.sent.push(JSON.stringify(this.settings))
    this.send("settings", this.settings)
    this.askToDraw()
  }

  draw() {
    const { tag } = this.data
    if (prompt?.tag !== tag || written?.tag !== tag) return
    this.hear()
    const start = performance.now()
    const result = prompt.distribution.apply(this.settings)
    this.sliders.draw(this.settings, prompt.distribution.logits.length)
    const pieces = { ...prompt.pieces, ...written.removed }
    const parts = this.more.open ? [...this.parts, ...this.folded] : this.parts
    for (const part of parts) part.draw({ ...prompt, pieces }, result, this.settings)
    this.drawText()
    const { dataset } = this.root
    dataset.kept = result.kept
    dataset.redrawMs = (performance.now() - start).toFixed(2)
    dataset.redraws = Number(dataset.redraws ?? 0) + 1
  }

  drawText() {
    const isOf = JSON.stringify(written.settings) === JSON.stringify(this.settings) && written.seed === this.seed
    this.prose.draw(written, !isOf)
    write(this.status, isOf ? aboutText(written) : aboutOldText(written, this.heard))
    this.root.dataset.text = !isOf ? "old" : written.done ? "whole" : "growing"
  }
}

function aboutText({ done, settings, seed, tokens, length, compared, parting }) {
  const by = `${toldSettings(settings)}, dice ${seed}`
  if (!done) return `Writing … ${tokens.length} of ${length} tokens, with ${by}`
  if (!compared) return `Written with ${by}`
  if (parting === null) return `Written with ${by}: the same text as before`
  return `Written with ${by}; outlined: the first token that differs from the text before`
}

function aboutOldText({ settings, seed }, isWriting) {
  const by = `${toldSettings(settings)}, dice ${seed}`
  return isWriting
    ? `Writing … This one was written with ${by}`
    : `Let go, and the text is written anew. This one: ${by}`
}
