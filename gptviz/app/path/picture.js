// Draws the path of a prompt: one ribbon a token, as wide as the residual stream is long.
import { element, followWidth, pictureIn, vector } from "../dom.js"
import { offerToSave } from "../keep.js"
import { Ends } from "./ends.js"
import { Flow } from "./flow.js"
import { follow, Labels } from "./labels.js"
import { layout, runsDown } from "./layout.js"
import { Motion } from "./motion.js"
import { Pen } from "./pen.js"
import { Steps } from "./steps.js"

const pictures = new Map()

export default function (component) {
  const { data, parentElement, setTriggerValue } = component
  const root = parentElement.querySelector(".path")
  const picture = pictureIn(pictures, root, () => new Picture(root))
  picture.update(data, setTriggerValue)
  if (data.size === "large") offerToSave(root, data.file)
  return followWidth(
    root,
    () => picture.width,
    () => picture.draw(),
  )
}

class Picture {
  constructor(root) {
    this.root = root
    this.motion = new Motion()
    this.heard = { keydown: (event) => this.hear(event), resize: () => this.fit() }
    for (const [name, listener] of Object.entries(this.heard)) window.addEventListener(name, listener)
    this.act = {
      choose: (position) => this.send("position", position),
      append: (id) => this.send("append", id),
      open: (stage, layer) => this.send("open", stage ? { stage, ...(layer !== undefined && { layer }) } : {}),
    }
  }

  leave() {
    this.motion.stop()
    for (const [name, listener] of Object.entries(this.heard)) window.removeEventListener(name, listener)
  }

  update(data, send) {
    const moves = Boolean(this.data)
    Object.assign(this, { data, send })
    this.draw(moves)
  }

  // Escape closes the open stage, unless it is meant for a text that is being typed.
  hear(event) {
    if (!this.root.isConnected) this.leave()
    else if (event.key === "Escape" && this.data.open && !event.defaultPrevented && !isTyping(event)) {
      event.preventDefault()
      this.act.open(null)
    }
  }

  // The picture takes the height that the first screen leaves it.
  fit() {
    if (!this.root.isConnected) this.leave()
    else if (!this.place.down && this.data.size === "large" && Math.abs(freeHeight(this.root) - this.free) > 20)
      this.draw()
  }

  draw(moves = false) {
    const { root, data } = this
    this.width = root.clientWidth || 900
    this.free = freeHeight(root)
    const focused = root.getRootNode().activeElement?.dataset?.key
    root.classList.toggle("small", data.size === "small")
    root.replaceChildren()
    const steps = data.open && new Steps(data)
    const bar = data.open && this.bar()
    if (bar) {
      bar.classList.toggle("within", runsDown(this.width))
      root.append(bar)
    }
    const place = layout(data, this.width, this.free, steps, bar ? bar.offsetHeight + 6 : 0)
    this.place = place
    if (bar) bar.style.top = `${place.bar}px`
    const svg = vector("svg", { width: place.width, height: place.height, role: "group", "aria-label": "the path" })
    root.append(svg)
    this.motion.begin(moves && place.width === this.drawnWidth)
    this.drawnWidth = place.width
    this.drawAll(new Pen(svg), place, steps)
    this.motion.end()
    // The last one: ✕ shares the key of its stage, whose name takes the focus when ✕ is gone.
    if (focused) [...root.querySelectorAll(`[data-key="${focused}"]`)].at(-1)?.focus({ preventScroll: true })
  }

  drawAll(pen, place, steps) {
    const { data } = this
    const large = data.size === "large"
    const flow = new Flow(pen, data, place, this.motion)
    flow.draw(large && steps?.column !== "blocks" && this.act.open)
    if (large && steps?.column !== "blocks") flow.drawAdditions()
    if (steps) steps.draw(pen, place.region)
    new Labels(pen, data, place, this.act).draw()
    if (!large) return
    const ends = new Ends(pen, data, place, this.motion, this.act)
    ends.drawTokens()
    ends.drawCandidates()
  }

  // What belongs to the open stage: which block, the page about it, and the way back.
  bar() {
    const { stage, layer, layers } = this.data.open
    const { name, href, about } = this.data.stages.find(({ slug }) => slug === stage)
    const bar = element("div", "bar")
    const alike = layers > 1 ? `block ${layer}, one of ${layers} built alike` : "the only block"
    bar.append(element("b", "", layers ? `Inside ${alike}` : `Inside ${name}`))
    if (layers > 1) bar.append(this.layers(stage, layer, layers))
    if (href) {
      const more = element("a", "more", `More about it: ${about}`)
      more.href = href
      more.addEventListener("click", (event) => follow(event, href))
      bar.append(more)
    }
    const close = element("button", "close", "✕")
    close.dataset.key = `stage ${stage}`
    close.title = "close (Escape)"
    close.setAttribute("aria-label", `close ${name}, or press Escape`)
    close.addEventListener("click", () => this.act.open(null))
    bar.append(close)
    return bar
  }

  layers(stage, layer, count) {
    const group = element("span", "layers")
    group.setAttribute("role", "group")
    group.setAttribute("aria-label", "block")
    for (let i = 0; i < count; i++) {
      const button = element("button", i === layer ? "layer chosen" : "layer", `L${i}`)
      button.dataset.key = `layer ${i}`
      button.setAttribute("aria-pressed", i === layer)
      button.addEventListener("click", () => this.act.open(stage, i))
      group.append(button)
    }
    return group
  }
}

function isTyping(event) {
  const target = event.composedPath()[0]
  return target instanceof HTMLElement && (target.isContentEditable || target.matches("input, textarea, select"))
}

// From the top of the picture, as it lies when nothing is scrolled, to the bottom of the window.
function freeHeight(root) {
  let scrolled = window.scrollY
  for (let part = root; part; part = part.parentElement ?? part.getRootNode().host) scrolled += part.scrollTop
  return window.innerHeight - root.getBoundingClientRect().top - scrolled - 12
}
