// The names of the stages: beside each its shape; a click opens the stage, or the page about it.
import { codeWidth } from "./pen.js"

const SWATCH = 14

export class Labels {
  constructor(pen, data, place, act) {
    Object.assign(this, { pen, data, place, act })
    this.small = data.size === "small"
    this.stages = Object.fromEntries(data.stages.map((stage) => [stage.slug, stage]))
  }

  draw() {
    if (this.place.wraps) this.wrapped()
    else if (this.place.down) this.down()
    else this.above()
  }

  above() {
    const { place } = this.place
    for (const slug of Object.keys(place)) {
      const middle = (place[slug].from + place[slug].to) / 2
      if (slug === "blocks") this.blocks(middle - this.blocksWidth() / 2, 18)
      else this.stage(slug, middle, 18, "middle", place[slug].width)
    }
  }

  down() {
    for (const [slug, { label }] of Object.entries(this.place.place)) {
      const shape = slug === "blocks" ? 0 : codeWidth(this.stages[slug].shape, 13) + 16
      const width = slug === "blocks" ? this.blocksWidth() : this.width(slug) + shape
      this.pen.add("rect", { x: 0, y: label + 3, width: width + 10, height: 28, rx: 6, class: "pill" })
      if (slug === "blocks") this.blocks(4, label + 22)
      else this.stage(slug, 4, label + 22, "start", this.place.width)
    }
  }

  // Where there is no room above the columns, the names follow each other in two rows.
  wrapped() {
    let [x, y] = [0, 18]
    for (const slug of Object.keys(this.stages)) {
      const width = this.width(slug)
      if (x + width > this.place.width) [x, y] = [0, y + 28]
      this.stage(slug, x, y, "start", width)
      x += width + 13
    }
  }

  // "6 × ( attention → MLP )": one block is drawn beside the next, and all are built alike.
  blocks(x, y) {
    const words = this.frame()
    this.pen.text(words[0], x, y, "note")
    x += this.pen.width(words[0]) + 6
    for (const [slug, after] of [
      ["attention", words[1]],
      ["mlp", words[2]],
    ]) {
      this.stage(slug, x, y, "start", this.place.down ? 0 : this.width(slug) + 30)
      x += this.width(slug) + 6
      this.pen.text(after, x, y, "note")
      x += this.pen.width(after) + 6
    }
  }

  frame() {
    return [`${this.data.attn.length} × (`, "→", ")"]
  }

  blocksWidth() {
    return this.pen.width(this.frame().join("")) + this.width("attention") + this.width("mlp") + 24
  }

  width(slug) {
    const swatch = !this.small && ["attention", "mlp"].includes(slug) ? SWATCH : 0
    return this.pen.width(this.stages[slug].name) + swatch
  }

  stage(slug, x, y, anchor, room) {
    const stage = this.stages[slug]
    const width = this.width(slug)
    const left = anchor === "middle" ? x - width / 2 : x
    const box = { x: left - 4, y: y - 18, width: width + 8, height: 26, rx: 5, class: "face" }
    const part = this.part(stage, box)
    const narrow = anchor === "middle" && width > room
    const [first, second] = narrow ? stage.name.split(" ").slice(-2) : [stage.name]
    let at = x
    if (!this.small && ["attention", "mlp"].includes(slug)) {
      const mark = { x: left, y: y - 11, width: 10, height: 11, class: slug === "mlp" ? "MLP" : "attention" }
      this.pen.add("rect", mark, part)
      at += SWATCH
    }
    this.pen.text(first, at, y, "name", anchor, part)
    if (second) this.pen.text(second, at, y + 17, "name", anchor, part)
    if (this.small || second) return
    const beside = this.place.down && room
    const shapeWidth = codeWidth(stage.shape, 13)
    if (beside && width + shapeWidth + 24 < room) this.pen.text(stage.shape, left + width + 16, y, "shape", "start")
    else if (!this.place.down && shapeWidth < room) {
      this.pen.text(stage.shape, left + width / 2, y + 18, "shape", "middle")
    }
  }

  // A link to the page of a stage, a button that opens it in its place, or just its name.
  part(stage, box) {
    const { name, shape, slug } = stage
    const about = `${name}: ${shape}`
    const opened = this.data.open?.stage === slug
    if (stage.opens) {
      const act = () => this.act.open(opened ? null : slug)
      const label = opened ? `close ${name}` : `open ${name}`
      const button = this.pen.button(`stage ${slug}`, label, opened ? "stage opens here" : "stage opens", act, box)
      button.setAttribute("aria-expanded", opened)
      button.querySelector("title").textContent = `${label} · ${about}`
      return button
    }
    const part = stage.href
      ? this.pen.add("a", { href: stage.href, class: "stage" })
      : this.pen.group({ class: "stage" })
    this.pen.add("rect", box, part)
    this.pen.title(part, about)
    if (stage.here) {
      part.classList.add("here")
      part.setAttribute("aria-current", "step")
    }
    if (stage.href) part.addEventListener("click", (event) => follow(event, stage.href))
    return part
  }
}

// A link of the app changes the page without loading it anew; any other click opens it whole.
export function follow(event, href) {
  if (event.ctrlKey || event.metaKey || event.shiftKey) return
  const path = new URL(href, document.baseURI).pathname
  const links = [...document.querySelectorAll("a[href]")]
  const link = links.find((a) => new URL(a.href).pathname === path)
  if (!link) return
  event.preventDefault()
  link.click()
}
