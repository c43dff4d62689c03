// The steps that a run kept, as a slider below its loss; Play goes from one to the next.
import { element, pictureIn, vector, write } from "../dom.js"

const END = 10 // pixels from the ends of the line to the first and the last step
const HEIGHT = 54
const APART = 14 // pixels between two numbers below the line
const STAY = 700 // milliseconds for which each step is shown, once the page is finished
const rows = new Map() // by the element in which each is drawn

export default function (component) {
  const { data, parentElement, setTriggerValue } = component
  const root = parentElement.querySelector(".steps")
  const row = pictureIn(rows, root, () => new Row(root))
  row.update(data, (step) => setTriggerValue("step", step))
}

class Row {
  timer = null // while it plays
  asked = null // the step that the page is to show and does not yet
  held = false // whether the reader is dragging the thumb

  constructor(root) {
    this.root = root
    this.button = element("button", "play")
    this.button.type = "button"
    this.button.addEventListener("click", () => (this.timer ? this.stop() : this.play()))
    this.where = element("span", "where")
    this.loss = element("span", "loss")
    const told = element("div", "told")
    told.append(this.button, this.where, this.loss)
    this.svg = vector("svg", { role: "img" })
    this.input = element("input")
    Object.assign(this.input, { type: "range", min: 0, step: 1 })
    this.input.setAttribute("aria-label", "Training step")
    this.input.addEventListener("input", () => {
      this.held = true
      this.index = Number(this.input.value)
      this.stop()
    })
    this.input.addEventListener("change", () => {
      this.held = false
      this.ask(Number(this.input.value))
    })
    for (const end of ["pointerup", "pointercancel", "blur"]) this.input.addEventListener(end, () => this.release())
    this.ticks = element("div", "ticks")
    this.ticks.setAttribute("aria-hidden", "true")
    const line = element("div", "line")
    line.append(this.svg, this.input, this.ticks)
    root.replaceChildren(told, line)
    this.observer = new ResizeObserver(() => this.draw())
    this.observer.observe(line)
  }

  leave() {
    this.stop()
    this.observer.disconnect()
  }

  update(data, send) {
    Object.assign(this, { data, send })
    this.last = data.steps.length - 1
    this.input.max = this.last
    this.input.disabled = this.button.disabled = this.last < 1
    if (data.chosen === this.asked || !data.steps.includes(this.asked)) this.asked = null
    this.follow()
  }

  // Show the step of the page, unless the reader is choosing another one.
  follow() {
    if (!this.held) this.index = this.data.steps.indexOf(this.asked ?? this.data.chosen)
    this.draw()
  }

  // A drag that ends where it began, or is broken off, changes nothing and so ends without a change
  // event. Where there is one, it comes right after the release.
  release() {
    this.held = false
    setTimeout(() => this.follow())
  }

  ask(index) {
    this.index = index
    this.draw()
    const step = this.data.steps[index]
    if (step === (this.asked ?? this.data.chosen)) return
    this.asked = step
    this.send(step)
  }

  play() {
    let since = 0
    const next = () => {
      if (!this.root.isConnected) return this.stop()
      if (this.asked !== null || runs()) since = performance.now()
      else if (this.index === this.last) this.stop()
      else if (performance.now() - since >= STAY) this.ask(this.index + 1)
    }
    this.timer = setInterval(next, 50)
    if (this.index === this.last) this.ask(0)
    this.draw()
  }

  stop() {
    clearInterval(this.timer)
    this.timer = null
    this.draw()
  }

  // Where a step lies: at its place among those that were kept, or between two of them.
  x(step) {
    const { steps } = this.data
    let after = steps.findIndex((kept) => kept >= step)
    if (after < 0) after = this.last
    const before = Math.max(0, after - 1)
    const share = after > before ? (step - steps[before]) / (steps[after] - steps[before]) : 0
    return END + ((before + share) / Math.max(1, this.last)) * (this.width - 2 * END)
  }

  draw() {
    this.width = this.svg.clientWidth
    if (!this.data || !this.width) return
    const { steps, loss } = this.data
    const step = steps[this.index]
    const now = loss.y[closest(loss.x, step)]
    const words = step === 0 ? "step 0: untrained" : `step ${step.toLocaleString("en-US")}`
    write(this.button, this.timer ? "■ Stop" : "▶ Play")
    write(this.where, words)
    write(this.loss, now === undefined ? "" : `training loss, smoothed by 0.9: ${now.toFixed(2)}`)
    this.input.value = this.index
    this.input.setAttribute("aria-valuetext", `${words}, ${this.loss.textContent}`)
    this.root.dataset.step = this.data.chosen
    this.drawLoss(step)
    this.drawTicks()
  }

  drawLoss(step) {
    const { steps, loss, colour } = this.data
    const [low, high] = [Math.min(...loss.y), Math.max(...loss.y)]
    const y = (value) => 4 + ((high - value) / (high - low || 1)) * (HEIGHT - 8)
    const spots = loss.x.map((at, i) => `${this.x(at).toFixed(1)},${y(loss.y[i]).toFixed(1)}`)
    const marks = steps.map((kept) =>
      vector("line", { x1: this.x(kept), x2: this.x(kept), y1: HEIGHT - 5, y2: HEIGHT, class: "stop" }),
    )
    const parts = [...marks, vector("path", { d: spots.length ? `M${spots.join("L")}` : "", stroke: colour })]
    parts.push(vector("line", { x1: this.x(step), x2: this.x(step), y1: 0, y2: HEIGHT, class: "marker" }))
    if (spots.length) {
      const at = loss.y[closest(loss.x, step)]
      parts.push(vector("circle", { cx: this.x(step), cy: y(at), r: 6, class: "spot" }))
      const first = loss.x[0].toLocaleString("en-US")
      const last = loss.x.at(-1).toLocaleString("en-US")
      const course = `Training loss from ${loss.y[0].toFixed(2)} at step ${first} to ${loss.y.at(-1).toFixed(2)} at step ${last}`
      this.svg.setAttribute("aria-label", course)
    }
    this.svg.replaceChildren(...parts)
  }

  // The numbers of as many steps as have room, both ends among them.
  drawTicks() {
    const { steps } = this.data
    const labels = steps.map((step) => element("span", "", step.toLocaleString("en-US")))
    this.ticks.replaceChildren(...labels)
    const boxes = labels.map((label, i) => {
      const [half, x] = [label.offsetWidth / 2, this.x(steps[i])]
      return [x - half, x + half]
    })
    let taken = boxes[0][1]
    labels.forEach((label, i) => {
      label.style.left = `${this.x(steps[i])}px`
      if (i === 0 || i === this.last) return
      const fits = boxes[i][0] > taken + APART && boxes[i][1] + APART < boxes[this.last][0]
      if (fits) taken = boxes[i][1]
      else label.remove()
    })
  }
}

// Whether Streamlit is still drawing the page.
function runs() {
  const app = document.querySelector("[data-test-script-state]")
  return app !== null && app.dataset.testScriptState !== "notRunning"
}

// The index of the number in a rising row that is closest to another; -1 in an empty row.
function closest(row, number) {
  let best = row.length ? 0 : -1
  row.forEach((value, i) => {
    if (Math.abs(value - number) < Math.abs(row[best] - number)) best = i
  })
  return best
}
