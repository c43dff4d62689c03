// What flows through the blocks: a ribbon a token, threads of attention, and what each block adds.
export class Flow {
  constructor(pen, data, place, motion) {
    Object.assign(this, { pen, data, place, motion })
    this.small = data.size === "small"
    this.n = data.attn.length
  }

  // Where a block begins along the path; with a half added, where its MLP does.
  blockAt(i) {
    const { from, body, to } = this.place.place.blocks
    const start = body ?? from
    return start + ((to - start) * i) / (this.n || 1) // without a block, its place is empty
  }

  at(along, across) {
    return this.place.at(along, across).map((number) => Math.round(number * 10) / 10)
  }

  draw(open) {
    const picture = this.pen.group({ role: "img", "aria-label": this.data.alt })
    this.layer = picture
    this.drawPlace()
    this.drawEdges(open)
    if (open) this.drawDoors(open)
    for (const lane of this.place.lanes.shown) this.drawRibbon(lane)
    this.drawThreads()
    return picture
  }

  rect(from, to, attributes) {
    const { lanes, down } = this.place
    const [start, end] = [lanes.start - 2, lanes.end + 2]
    const box = down
      ? { x: start, y: from, width: end - start, height: to - from }
      : { x: from, y: start, width: to - from, height: end - start }
    return this.pen.add("rect", { ...box, ...attributes }, this.layer)
  }

  // Frames the stage of a page: attention or MLP in every block, for each block has both.
  drawPlace() {
    for (const { slug } of this.data.stages.filter(({ here }) => here)) {
      const half = ["attention", "mlp"].indexOf(slug)
      if (half < 0) {
        const { from, to } = this.place.place[slug]
        this.rect(from + 1, to - 1, { rx: 6, class: "place", "data-stage": slug })
        continue
      }
      for (let i = 0; i < this.n; i++) {
        const [from, to] = [this.blockAt(i + half / 2), this.blockAt(i + half / 2 + 0.5)]
        this.rect(from + 1, to - 1, { rx: 3, class: "place", "data-stage": slug, "data-layer": i })
      }
    }
  }

  drawEdges(open) {
    const { lanes, down } = this.place
    for (let i = 0; i <= (this.n || 1); i++) {
      const [x1, y1] = this.at(this.blockAt(i), lanes.start - 6)
      const [x2, y2] = this.at(this.blockAt(i), lanes.end + 2)
      this.pen.add("line", { x1, y1, x2, y2, class: "edge" }, this.layer)
    }
    if (this.small || !open) return
    const size = this.blockAt(1) - this.blockAt(0)
    const every = Math.ceil((down ? 18 : 34) / size)
    for (let i = 0; i < this.n; i += every) {
      const middle = this.blockAt(i + 0.5)
      if (down) this.pen.text(`L${i}`, 2, middle + 5, "layer", "start", this.layer)
      else this.pen.text(`L${i}`, middle, this.place.foot + 80, "layer", "middle", this.layer)
    }
  }

  // A click on a stage opens it, in a block the half that is meant; by keyboard, the words above do.
  drawDoors(open) {
    for (let i = 0; i < this.n; i++) {
      for (const half of [0, 0.5]) {
        const door = this.rect(this.blockAt(i + half), this.blockAt(i + half + 0.5), { class: "door" })
        this.pen.title(door, `open ${half ? "the MLP" : "attention"} of block ${i}`)
      }
    }
    this.layer.classList.add("open-by-click")
    this.layer.addEventListener("click", (event) => {
      const { left, top } = this.pen.svg.getBoundingClientRect()
      const along = this.place.down ? event.clientY - top : event.clientX - left
      const [slug] = Object.entries(this.place.place).find(([, { from, to }]) => from <= along && along < to) ?? []
      const block = (along - this.blockAt(0)) / (this.blockAt(1) - this.blockAt(0))
      if (slug === "blocks" && block >= 0)
        open(block % 1 < 0.5 ? "attention" : "mlp", Math.min(this.n - 1, Math.floor(block)))
      else if (["embeddings", "norm", "logits"].includes(slug)) open(slug)
    })
  }

  halfWidth(norm) {
    const most = this.place.lanes.pitch * (this.small ? 0.5 : 0.4)
    return Math.max(0.5, Math.min(this.place.down ? 22 : most, most) * Math.sqrt(norm / (this.data.largest || 1)))
  }

  drawRibbon(lane) {
    const { data, motion } = this
    const { place, lanes } = this.place
    const chosen = lane === data.chosen
    const thin = this.small ? 0.5 : 1.5
    const start = place.embeddings.body ?? place.embeddings.from
    const knots = [[start + (this.small ? 0 : 6), this.halfWidth(data.stream[0][lane])]]
    for (let i = 0; i < this.n; i++) {
      knots.push([this.blockAt(i), this.halfWidth(data.stream[i][lane])])
      knots.push([this.blockAt(i + 0.5), this.halfWidth(data.middle[i][lane])])
    }
    knots.push([place.blocks.to, this.halfWidth(data.stream[this.n][lane])])
    const last = this.place.down ? place.probabilities.body : place.logits.to
    knots.push([place.blocks.to, thin], [chosen ? last : place.norm.to, thin])
    const ribbon = this.pen.add("polygon", { class: chosen ? "ribbon chosen" : "ribbon" }, this.layer)
    ribbon.dataset.position = data.positions[lane]
    const outline = (part) => {
      const side = (sign) => knots.map(([along, half]) => this.at(along, lanes.across(lane) + sign * part * half))
      return [...side(-1), ...side(1).reverse()].flat()
    }
    motion.show(`ribbon ${data.positions[lane]}`, outline(1), outline(0), (numbers) =>
      ribbon.setAttribute("points", numbers.map((number) => number.toFixed(1)).join(" ")),
    )
    const norms = data.stream.map((row) => row[lane].toFixed(1)).join(", ")
    const about = "length of its vector, embedding and after each block"
    this.pen.title(ribbon, `${data.positions[lane]} ${data.tokens[lane]}: ${about}: ${norms}`)
  }

  drawThreads() {
    const { data, motion } = this
    const { lanes } = this.place
    const to = lanes.across(data.chosen)
    const widest = this.small ? 2.5 : 9
    data.pattern.forEach((weights, i) => {
      const [start, end] = [this.blockAt(i), this.blockAt(i + 0.5)]
      for (const lane of lanes.shown) {
        const weight = weights[lane]
        if (lane === data.chosen || weight < 0.01) continue
        const from = lanes.across(lane)
        const middle = (start + end) / 2
        const points = [this.at(start, from), this.at(middle, from), this.at(middle, to), this.at(end, to)]
        const thread = this.pen.add("path", { class: "thread" }, this.layer)
        const numbers = [...points.flat(), Math.max(0.8, weight * widest)]
        const born = [0, 0, 0, 0].flatMap(() => points[0])
        motion.show(`thread ${i} ${data.positions[lane]}`, numbers, [...born, 0], (now) => {
          const [x1, y1, x2, y2, x3, y3, x4, y4, width] = now
          thread.setAttribute("d", `M${x1},${y1} C${x2},${y2} ${x3},${y3} ${x4},${y4}`)
          thread.setAttribute("stroke-width", width)
        })
        const [looks, seen] = [data.chosen, lane].map((one) => `${data.positions[one]} ${data.tokens[one]}`)
        this.pen.title(thread, `L${i}: ${looks} looks at ${seen} with weight ${weight.toFixed(2)} (mean of the heads)`)
      }
    })
  }

  // What attention and the MLP of each block add to the chosen token's stream.
  drawAdditions() {
    const { data } = this
    if (!this.n) return
    const { down } = this.place
    const most = Math.max(...data.attn, ...data.mlp) || 1
    const size = this.blockAt(1) - this.blockAt(0)
    const who = `${data.positions[data.chosen]} ${data.tokens[data.chosen]}`
    data.attn.forEach((attn, i) => {
      for (const [name, norm, half] of [
        ["attention", attn, 0.25],
        ["MLP", data.mlp[i], 0.75],
      ]) {
        const long = ((down ? this.place.right - 12 : 48) * norm) / most
        const [along, thick] = [this.blockAt(i + half) - size * 0.16, size * 0.32]
        const box = down
          ? { x: this.place.width - this.place.right + 10, y: along, width: long, height: thick }
          : { x: along, y: this.place.foot + 62 - long, width: thick, height: long }
        const bar = this.pen.add("rect", { ...box, class: name }, this.layer)
        this.pen.title(bar, `L${i} ${name} adds a vector of length ${norm.toFixed(2)} to ${who}`)
      }
    })
    if (down) {
      this.pen.text("adds", this.place.width, this.place.place.blocks.label + 22, "note", "end", this.layer)
      return
    }
    const x = this.place.place.embeddings.to - 8
    this.pen.text("added by", x, this.place.foot + 26, "note", "end", this.layer)
    this.pen.text("attention and", x, this.place.foot + 44, "note", "end", this.layer)
    this.pen.text("MLP", x, this.place.foot + 62, "note", "end", this.layer)
  }
}
