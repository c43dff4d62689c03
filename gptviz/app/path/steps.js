// The inside of the open stage: a card a step, with the real numbers of the chosen token.
import { codeWidth, cut } from "./pen.js"
import { strip } from "./strip.js"

const LEAST_CARD = 80
const WIDEST_CARD = 230
const GAP = 16
const SIDE = 10
const HEAD = 26 // the line above a row of cards
const TITLE = 22
const NAME = 17
const BODY = 96
const ROW = 25 // of a token that is compared
const HALVES = { attention: "attention: look at earlier tokens", mlp: "MLP: each token by itself" }

// How high the steps are in a width, and how many cards stand in a row.
export class Steps {
  constructor(data) {
    this.data = data
    const { stage, steps, layers } = data.open
    this.isBlock = layers > 0
    this.column = this.isBlock ? "blocks" : stage
    const halves = this.isBlock ? ["attention", "mlp"] : [stage]
    this.groups = halves
      .map((half) => [half, steps.filter((step) => step.half === half)])
      .filter(([, own]) => own.length)
  }

  height(width) {
    if (this.column === "logits") return 88 + ROW * this.data.top.length
    const facts = this.column === "norm" ? 36 : 0
    return this.lines(width).length * (TITLE + BODY + facts + 10) + this.groups.length * (this.isBlock ? HEAD : 0) + 14
  }

  // The cards of each half in rows that are about equally full.
  lines(width) {
    return this.groups.flatMap(([half, steps]) => {
      const fit = Math.max(1, Math.floor((width - 2 * SIDE + GAP) / (LEAST_CARD + GAP)))
      const size = Math.ceil(steps.length / Math.ceil(steps.length / fit))
      const rows = []
      for (let i = 0; i < steps.length; i += size)
        rows.push({ half, steps: steps.slice(i, i + size), first: i === 0, size })
      return rows
    })
  }

  draw(pen, region) {
    Object.assign(this, { pen, region })
    this.root = pen.group({ class: "inside", role: "group", "aria-label": `inside of ${this.data.open.stage}` })
    pen.add(
      "rect",
      { x: region.x, y: region.y, width: region.width, height: region.height, rx: 8, class: "room" },
      this.root,
    )
    if (this.column === "logits") this.drawProducts()
    else this.drawCards()
  }

  drawCards() {
    const { region } = this
    const lines = this.lines(region.width)
    const spare = Math.min(60 * lines.length, region.height - region.bar - this.height(region.width))
    this.body = BODY + (this.column === "norm" ? 36 : 0) + spare / lines.length
    let y = region.y + region.bar + 8
    for (const { half, steps, first, size } of lines) {
      if (this.isBlock && first) {
        const open = half === this.data.open.stage
        if (open) this.drawGlow(y, lines.filter((line) => line.half === half).length)
        const mark = {
          x: region.x + SIDE,
          y: y + 6,
          width: 10,
          height: 12,
          class: half === "mlp" ? "MLP" : "attention",
        }
        this.pen.add("rect", mark, this.root)
        this.pen.text(HALVES[half], region.x + SIDE + 16, y + 17, open ? "half here" : "half", "start", this.root)
        y += HEAD
      }
      const wide = Math.min(WIDEST_CARD, (region.width - 2 * SIDE - GAP * (size - 1)) / size)
      steps.forEach((step, i) => {
        const x = region.x + SIDE + i * (wide + GAP)
        if (i) this.pen.text(sign(step), x - GAP / 2, y + TITLE + NAME + 24, "sign", "middle", this.root)
        this.drawCard(step, { x, y, width: wide })
      })
      y += TITLE + this.body + 10
    }
  }

  drawGlow(y, rows) {
    const { x, width } = this.region
    const height = HEAD + rows * (TITLE + this.body + 10) - 2
    this.pen.add("rect", { x: x + 4, y: y - 2, width: width - 8, height, rx: 6, class: "glow" }, this.root)
  }

  drawCard(step, { x, y, width }) {
    const card = this.pen.add("g", { class: `card ${step.kind}` }, this.root)
    this.pen.title(card, step.about)
    this.pen.text(step.title, x, y + 16, "title", "start", card)
    const top = y + TITLE
    if (step.kind === "heads") {
      this.drawHeads(step, { x, y: top, width }, card)
      return
    }
    const facts = step.parts.flatMap(({ facts: found }) => Object.entries(found))
    const room = (this.body - 19 * facts.length) / step.parts.length
    step.parts.forEach((part, i) => {
      this.drawPart(part, { x, y: top + i * room, width, height: room - 4 }, card)
    })
    facts.forEach(([name, number], i) => {
      const line = name === "above_0" ? `${number.toLocaleString("en")} above 0` : `${name} ${number.toFixed(2)}`
      this.pen.text(line, x, top + this.body - 19 * (facts.length - i) + 14, "fact", "start", card)
    })
  }

  // A name, the length of the vector, and each of its numbers as a small square.
  drawPart(part, { x, y, width, height }, parent) {
    const group = this.pen.add("g", { class: "part", "data-name": part.name }, parent)
    const [name, length] = [this.short(part.name), told(part.length)]
    const long = this.pen.width(length, 13) + 5
    // Where there is no room beside the name, the length stands beside the squares.
    const beside = codeWidth(name, 12) + long < width
    const box = { x, y: y + NAME, width: beside ? width : width - long, height: Math.max(6, height - NAME) }
    this.pen.text(cut(name, beside ? width - long : width, 12), x, y + 12, "tensor", "start", group)
    this.pen.text(length, x + width, beside ? y + 12 : box.y + box.height / 2 + 5, "length", "end", group)
    this.drawStrip(part, box, group)
    const largest = `the number farthest from 0 is number ${part.largestAt}: ${part.largest.toFixed(2)}`
    this.pen.title(group, `${part.name} (${part.shape.join(" × ")}): length ${part.length.toFixed(2)}; ${largest}`)
  }

  drawStrip(part, box, parent) {
    const href = strip(part, this.data.open.signed, box)
    this.pen.add("image", { ...box, href, preserveAspectRatio: "none", class: "strip" }, parent)
    this.pen.add("rect", { ...box, class: "outline" }, parent)
  }

  short(name) {
    return name.replace(this.isBlock ? `h.${this.data.open.layer}.` : "ln_f.", "")
  }

  // A row a head, a column a token; the last column is all tokens that are not drawn.
  drawHeads(step, { x, y, width }, card) {
    const { tokens, positions, open } = this.data
    this.pen.text(width < 92 ? "pattern" : "attn.pattern", x, y + 12, "tensor", "start", card)
    const shown = positions.map((position, lane) => [position, tokens[lane]])
    const seen = new Set(shown.map(([position]) => position))
    const columns = [...shown, [null, "all others"]].slice(0, step.parts[0].weights.length > seen.size ? undefined : -1)
    const box = { width: width / columns.length, height: (this.body - NAME - 4 - 20) / step.parts.length }
    step.parts.forEach(({ weights }, head) => {
      const others = weights.reduce((sum, weight, position) => (seen.has(position) ? sum : sum + weight), 0)
      columns.forEach(([position, token], i) => {
        const weight = position === null ? others : weights[position]
        const level = Math.min(open.amounts.length - 1, Math.round(weight * (open.amounts.length - 1)))
        const place = { x: x + i * box.width, y: y + NAME + head * box.height }
        const cell = this.pen.add("rect", { ...place, ...box, fill: `rgb(${open.amounts[level]})` }, card)
        this.pen.title(cell, `head ${head} looks at ${position ?? ""} ${token} with weight ${weight.toFixed(2)}`)
      })
    })
    this.pen.add("rect", { x, y: y + NAME, width, height: box.height * step.parts.length, class: "outline" }, card)
    const [head, position, weight] = strongest(step.parts)
    const at = tokens[positions.indexOf(position)] ?? `token ${position}`
    const start = `H${head}: ${(100 * weight).toFixed(0)} % `
    const fits = cut(at, width - this.pen.width(start, 14), 14)
    this.pen.text(start + fits, x, y + this.body - 6, "fact", "start", card)
  }

  // The vector, and below it the rows that fit it best; a product each.
  drawProducts() {
    const { x, width } = this.region
    const y = this.region.y + this.region.bar
    const [vector, rows] = this.data.open.steps
    const inner = width - 2 * SIDE
    const card = this.pen.add("g", { class: "card vector" }, this.root)
    this.drawPart(vector.parts[0], { x: x + SIDE, y: y + 8, width: inner, height: 44 }, card)
    const heading = "· the token's own vector = logit"
    this.pen.text(heading, x + SIDE, y + 72, "fact", "start", this.root)
    const word = Math.min(110, inner * 0.36)
    rows.parts.forEach((part, i) => {
      const top = y + 80 + i * ROW
      const group = this.pen.add("g", { class: "part", "data-name": part.name }, this.root)
      const { token } = this.data.top[i]
      this.pen.text(cut(token, word - 6), x + SIDE, top + 17, "piece", "start", group)
      this.drawStrip(part, { x: x + SIDE + word, y: top + 5, width: inner - word - 62, height: ROW - 10 }, group)
      this.pen.text(part.facts.logit.toFixed(2), x + width - SIDE, top + 17, "logit", "end", group)
      this.pen.title(group, `ln_f · ${part.name} = ${part.facts.logit.toFixed(2)}, the logit of ${token}`)
    })
  }
}

function sign({ kind }) {
  if (kind === "add" || kind === "add_norm" || kind === "position") return "+"
  return kind === "sum" ? "=" : "→"
}

// A length, with two digits at least.
function told(length) {
  if (length >= 100) return length.toFixed(0)
  return length >= 1 ? length.toFixed(1) : String(Number(length.toPrecision(2)))
}

function strongest(parts) {
  let found = [0, 0, -1]
  parts.forEach(({ weights }, head) => {
    weights.forEach((weight, position) => {
      if (weight > found[2]) found = [head, position, weight]
    })
  })
  return found
}
