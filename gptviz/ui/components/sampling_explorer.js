// The sampling page's main picture. All is computed here, so a drag sends nothing to the server.
// Two instances run this module: one brings the logits, once a prompt; the other draws.
const NAMES = ["temperature", "top_k", "top_p", "repetition_penalty"]

let prompt = null // what the model said after the prompt: { tag, seen, pieces, distribution }
const explorers = new Map() // by the element in which each is drawn

export default function (component) {
  const { data, parentElement, setTriggerValue } = component
  for (const [known, explorer] of explorers) if (!known.isConnected) explorer.leave() || explorers.delete(known)
  if (data instanceof Uint8Array) {
    receive(data)
    return
  }
  const root = parentElement.querySelector(".explorer")
  if (!explorers.has(root)) explorers.set(root, new Explorer(root, data))
  explorers.get(root).update(data, setTriggerValue)
}

// The length of a JSON header, the header, the logits as float32; all little-endian.
function receive(bytes) {
  const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true)
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(4, 4 + length)))
  if (prompt?.tag === header.tag) return
  const logits = new Float32Array(bytes.slice(4 + length).buffer)
  prompt = { ...header, distribution: new Distribution(logits, header.seen) }
  for (const explorer of explorers.values()) explorer.draw()
}

class Explorer {
  constructor(root, data) {
    Object.assign(this, { root, data, settings: data.settings })
    this.fromServer = JSON.stringify(data.settings)
    this.sent = [] // what the server has not yet answered
    this.sliders = Object.fromEntries(NAMES.map((name) => [name, this.slider(name)]))
    this.presets = Object.entries(data.presets).map(([name, settings]) => this.preset(name, settings))
    this.parts = [new Summary(), new Bars(), new Curve(), new Rules()]
    const [summary, bars, curve, rules] = this.parts
    const sliders = element("div", "sliders")
    sliders.append(...Object.values(this.sliders).map((slider) => slider.label))
    const line = element("div", "line")
    line.append("Presets:", ...this.presets.map(({ button }) => button), summary.root)
    const pictures = element("div", "pictures")
    pictures.append(bars.root, curve.root)
    root.replaceChildren(sliders, line, pictures, rules.root)
  }

  leave() {
    for (const part of this.parts) part.leave?.()
  }

  // The server repeats what was sent to it; only what it did not hear from here moves a slider.
  update(data, send) {
    Object.assign(this, { data, send })
    const settings = JSON.stringify(data.settings)
    const echo = this.sent.indexOf(settings)
    if (echo >= 0) this.sent.splice(0, echo + 1)
    else if (settings !== this.fromServer) this.settings = data.settings
    this.fromServer = settings
    this.draw()
  }

  slider(name) {
    const label = element("label", "slider")
    const input = element("input", "")
    const value = element("output", "value")
    Object.assign(input, { type: "range", ...this.data.limits[name] })
    input.dataset.name = name
    label.append(element("span", "", LABELS[name]), value, input)
    input.addEventListener("input", () => {
      const chosen = Number(input.value)
      this.settings = { ...this.settings, [name]: name === "top_k" ? this.choices[chosen] : chosen }
      this.askToDraw()
    })
    // A key that is held changes the value many times; the server hears when it is let go.
    let held = false
    const release = () => {
      held = false
      this.commit()
    }
    input.addEventListener("keydown", () => (held = true))
    input.addEventListener("keyup", release)
    input.addEventListener("blur", release)
    input.addEventListener("change", () => held || this.commit())
    return { label, input, value }
  }

  preset(name, settings) {
    const button = element("button", "", name)
    button.type = "button"
    button.addEventListener("click", () => {
      this.settings = settings
      this.draw()
      this.commit()
    })
    return { button, settings }
  }

  askToDraw() {
    this.frame ??= requestAnimationFrame(() => {
      this.frame = null
      this.draw()
    })
  }

  commit() {
    const settings = JSON.stringify(this.settings)
    if (settings === (this.sent.at(-1) ?? this.fromServer)) return
    this.sent.push(settings)
    this.send("settings", this.settings)
  }

  draw() {
    if (!prompt || prompt.tag !== this.data.tag) return
    const start = performance.now()
    const result = prompt.distribution.apply(this.settings)
    this.drawSliders()
    const pieces = { ...prompt.pieces, ...this.data.removed }
    for (const part of this.parts) part.draw({ ...prompt, pieces }, result, this.settings)
    const { dataset } = this.root
    dataset.kept = result.kept
    dataset.redrawMs = (performance.now() - start).toFixed(2)
    dataset.redraws = Number(dataset.redraws ?? 0) + 1
  }

  drawSliders() {
    const { settings } = this
    this.choices = choicesOfK(prompt.distribution.logits.length)
    this.sliders.top_k.input.max = this.choices.length - 1
    for (const name of NAMES) {
      const { input, value } = this.sliders[name]
      const k = this.choices.findIndex((choice) => choice >= (settings.top_k || Infinity))
      const place = name !== "top_k" ? settings[name] : k < 0 ? this.choices.length - 1 : k
      if (Number(input.value) !== place) input.value = place
      write(value, shownSetting(name, settings[name]))
      input.setAttribute("aria-valuetext", value.textContent)
    }
    for (const { button, settings: preset } of this.presets) {
      button.setAttribute("aria-pressed", NAMES.every((name) => preset[name] === settings[name]))
    }
  }
}

// Every whole number at first, then steps that grow; 0 is off and stands at the right end.
function choicesOfK(V) {
  const choices = []
  for (let k = 1; k < V; k += Math.max(1, Math.floor(k / 20))) choices.push(k)
  return [...choices, 0]
}
