// The sliders and the presets. A slider that is dragged draws; the server hears of it when it
// is let go.
import { element, write } from "../../app/dom.js"
import { LABELS, MORE, NAMES, shownSetting, USUAL } from "./words.js"

export class Sliders {
  root = element("div", "sliders")
  presets = element("div", "line")
  more = element("details", "more-rules")
  choices = []

  // choose: what is called with settings while a slider moves; commit: when it is let go
  constructor({ limits, presets }, current, choose, commit) {
    Object.assign(this, { current, choose, commit })
    this.sliders = Object.fromEntries(NAMES.map((name) => [name, this.slider(name, limits[name])]))
    const labels = (names) => names.map((name) => this.sliders[name].label)
    this.root.append(...labels(USUAL))
    const row = element("div", "sliders")
    row.append(...labels(MORE))
    this.told = element("summary")
    this.more.append(this.told, row)
    this.buttons = Object.entries(presets).map(([name, settings]) => this.preset(name, settings))
    this.presets.append(...this.buttons.map(({ button }) => button))
  }

  slider(name, limits) {
    const label = element("label", "slider")
    const input = element("input")
    const value = element("output", "value")
    Object.assign(input, { type: "range", ...limits })
    input.dataset.name = name
    label.append(element("span", "", LABELS[name]), value, input)
    input.addEventListener("input", () => {
      const chosen = Number(input.value)
      this.choose({ ...this.current(), [name]: name === "top_k" ? this.choices[chosen] : chosen })
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
      this.choose(settings)
      this.commit()
    })
    return { button, settings }
  }

  draw(settings, V) {
    if (this.V !== V) {
      this.V = V
      this.choices = choicesOfK(V)
      this.sliders.top_k.input.max = this.choices.length - 1
    }
    for (const name of NAMES) {
      const { input, value } = this.sliders[name]
      const k = this.choices.findIndex((choice) => choice >= (settings.top_k || Infinity))
      const place = name !== "top_k" ? settings[name] : k < 0 ? this.choices.length - 1 : k
      if (Number(input.value) !== place) input.value = place
      write(value, shownSetting(name, settings[name]))
      input.setAttribute("aria-valuetext", value.textContent)
    }
    const on = MORE.filter((name) => shownSetting(name, settings[name]) !== "off")
    const values = on.map((name) => `${LABELS[name]} ${shownSetting(name, settings[name])}`)
    write(this.told, `More rules: ${values.join(", ") || "off"}`)
    for (const { button, settings: preset } of this.buttons) {
      const isChosen = NAMES.every((name) => preset[name] === settings[name])
      button.setAttribute("aria-pressed", isChosen)
    }
  }
}

// Every whole number at first, then steps that grow; 0 is off and stands at the right end.
function choicesOfK(V) {
  const choices = []
  for (let k = 1; k < V; k += Math.max(1, Math.floor(k / 20))) choices.push(k)
  return [...choices, 0]
}
