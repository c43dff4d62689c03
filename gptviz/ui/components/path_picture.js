// Draws the path of a prompt: one ribbon a token, as wide as the residual stream is long.
const SVG = "http://www.w3.org/2000/svg"

export default function (component) {
  const { data, parentElement, setTriggerValue } = component
  const root = parentElement.querySelector(".path")
  const draw = () => new Picture(root, data, setTriggerValue).draw()
  const observer = new ResizeObserver(() => {
    if (root.clientWidth !== Number(root.dataset.width)) draw()
  })
  draw()
  observer.observe(root)
  return () => observer.disconnect()
}

class Picture {
  constructor(root, data, setTriggerValue) {
    Object.assign(this, { root, data, setTriggerValue })
    this.width = root.clientWidth || 900
    this.small = data.size === "small"
    this.pitch = this.small ? 40 / data.tokens.length : Math.min(34, 330 / data.tokens.length)
    this.top = this.small ? 4 : 12
    this.lanesHeight = Math.max(this.pitch * data.tokens.length, this.small ? 40 : 250)
    this.height = this.top + this.lanesHeight + (this.small ? 4 : 92)
    this.columns = this.placeColumns()
  }

  placeColumns() {
    const narrow = this.width < 800
    const shares = narrow
      ? { tokens: 104, embeddings: 96, norm: 86, logits: 56, probabilities: 148 }
      : { tokens: 128, embeddings: 118, norm: 100, logits: 104, probabilities: 220 }
    const sides = Object.values(shares).reduce((a, b) => a + b)
    const blocks = Math.max(120, this.width - sides)
    const order = ["tokens", "embeddings", "blocks", "norm", "logits", "probabilities"]
    const columns = {}
    let x = 0
    for (const name of order) {
      const width = name === "blocks" ? blocks : shares[name]
      columns[name] = { x, width, end: x + width }
      x += width
    }
    return columns
  }

  draw() {
    const { root, width, height } = this
    root.dataset.width = width
    root.replaceChildren()
    root.classList.toggle("small", this.small)
    root.append(this.stageRow())
    this.svg = this.element("svg", { width, height, role: "img" })
    this.svg.setAttribute("aria-label", this.data.alt)
    root.append(this.svg)
    this.drawPlace()
    this.drawBlocks()
    this.drawRibbons()
    this.drawAttention()
    if (this.small) return
    this.drawTokens()
    this.drawAdditions()
    this.drawProbabilities()
  }

  stageRow() {
    const row = document.createElement("div")
    row.className = "stages"
    for (const stage of this.data.stages) {
      const column = this.columns[stage.column]
      const cell = document.createElement(stage.href ? "a" : "span")
      cell.className = "stage"
      if (stage.here) {
        cell.classList.add("here")
        cell.setAttribute("aria-current", "step")
      }
      cell.style.left = `${column.x + stage.part * column.width}px`
      cell.style.width = `${column.width * stage.share}px`
      cell.append(this.words("name", stage.name))
      cell.title = `${stage.name}: ${stage.shape}`
      // 8 pixels a character: a shape that does not fit is told on hover, not cut off.
      const fits = stage.shape.length * 8 + 8 < column.width * stage.share
      if (!this.small && fits) cell.append(this.words("shape", stage.shape))
      if (stage.href) {
        cell.href = stage.href
        cell.addEventListener("click", (event) => this.follow(event, cell))
      }
      row.append(cell)
    }
    return row
  }

  // A link of the app changes the page without loading it anew; any other click opens it whole.
  follow(event, cell) {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return
    const links = [...document.querySelectorAll("a[href]")]
    const link = links.find((a) => new URL(a.href).pathname === new URL(cell.href).pathname)
    if (!link) return
    event.preventDefault()
    link.click()
  }

  drawPlace() {
    if (!this.small) return
    for (const stage of this.data.stages.filter((stage) => stage.here)) {
      const column = this.columns[stage.column]
      const x = column.x + stage.part * column.width
      const width = column.width * stage.share
      this.add("rect", { x: x + 1, y: 1, width: width - 2, height: this.height - 2, rx: 6, class: "place" })
    }
  }

  blockX(i) {
    const { x, width } = this.columns.blocks
    return x + (width * i) / this.data.attn.length
  }

  laneY(lane) {
    return this.top + this.lanesHeight * ((lane + 0.5) / this.data.tokens.length)
  }

  halfWidth(norm) {
    const most = this.pitch * (this.small ? 0.5 : 0.42)
    return Math.max(0.4, most * Math.sqrt(norm / this.data.largest))
  }

  drawBlocks() {
    const n = this.data.attn.length
    for (let i = 0; i <= n; i++) {
      const x = this.blockX(i)
      this.add("line", { x1: x, x2: x, y1: 0, y2: this.top + this.lanesHeight, class: "edge" })
    }
    if (this.small) return
    const every = Math.ceil((n * 34) / this.columns.blocks.width)
    for (let i = 0; i < n; i += every) {
      const x = (this.blockX(i) + this.blockX(i + 1)) / 2
      this.text(`L${i}`, x, this.height - 4, "layer", "middle")
    }
  }

  drawRibbons() {
    const { data, columns } = this
    const n = data.attn.length
    data.tokens.forEach((token, lane) => {
      const points = [[columns.embeddings.x + 6, data.stream[0][lane]]]
      for (let i = 0; i <= n; i++) points.push([this.blockX(i), data.stream[i][lane]])
      const y = this.laneY(lane)
      const upper = points.map(([x, norm]) => `${x},${y - this.halfWidth(norm)}`)
      const lower = points.map(([x, norm]) => `${x},${y + this.halfWidth(norm)}`).reverse()
      const chosen = lane === data.chosen
      const shape = { points: [...upper, ...lower].join(" "), class: chosen ? "ribbon chosen" : "ribbon" }
      const ribbon = this.add("polygon", shape)
      const norms = data.stream.map((row) => row[lane].toFixed(1)).join(", ")
      this.title(ribbon, `${data.positions[lane]} ${token}: length of its vector, embedding and after each block: ${norms}`)
      const end = chosen ? columns.probabilities.x : columns.norm.end
      const half = this.small ? 0.5 : 1.5
      const line = { x: columns.norm.x, y: y - half, width: end - columns.norm.x, height: 2 * half }
      this.add("rect", { ...line, class: chosen ? "ribbon chosen" : "ribbon" })
    })
  }

  drawAttention() {
    const { data } = this
    const y = this.laneY(data.chosen)
    data.pattern.forEach((weights, i) => {
      const x1 = this.blockX(i)
      const x2 = x1 + (this.blockX(i + 1) - x1) * 0.72
      weights.forEach((weight, lane) => {
        if (lane === data.chosen || weight < 0.01) return
        const from = this.laneY(lane)
        const bend = (x1 + x2) / 2
        const d = `M${x1},${from} C${bend},${from} ${bend},${y} ${x2},${y}`
        const widest = this.small ? 2.5 : 10
        const path = this.add("path", { d, class: "thread", "stroke-width": Math.max(0.5, weight * widest) })
        path.style.opacity = Math.min(1, 0.25 + weight)
        this.title(path, `L${i}: ${data.positions[data.chosen]} ${data.tokens[data.chosen]} looks at ${data.positions[lane]} ${data.tokens[lane]} with weight ${weight.toFixed(2)} (mean of the heads)`)
      })
    })
  }

  drawTokens() {
    const { data, columns } = this
    const size = Math.min(17, this.pitch * 0.72)
    data.tokens.forEach((token, lane) => {
      const y = this.laneY(lane)
      const chosen = lane === data.chosen
      const chip = this.add("g", { class: chosen ? "chip chosen" : "chip", tabindex: 0, role: "button" })
      chip.setAttribute("aria-label", `choose token ${data.positions[lane]}, ${token}`)
      const box = { x: 30, y: y - this.pitch * 0.44, width: columns.tokens.width - 34, height: this.pitch * 0.88, rx: 5 }
      this.add("rect", box, chip)
      const position = this.text(data.positions[lane], 26, y + size * 0.3, "position", "end", chip)
      position.style.fontSize = "13px"
      const room = Math.floor((box.width - 10) / (size * 0.61))
      const shown = token.length > room ? `${token.slice(0, room - 1)}…` : token
      const label = this.text(shown, 36, y + size * 0.34, "piece", "start", chip)
      label.style.fontSize = `${size}px`
      this.title(chip, `${data.positions[lane]} ${token}`)
      const choose = () => this.setTriggerValue("position", data.positions[lane])
      chip.addEventListener("click", choose)
      chip.addEventListener("keydown", (event) => {
        if (event.key === "Enter" || event.key === " ") choose()
      })
    })
    if (data.hidden) this.text(`${data.hidden} earlier not drawn`, 0, this.height - 30, "note")
  }

  // What attention and the MLP of each block add to the chosen token's stream.
  drawAdditions() {
    const { data } = this
    const base = this.height - 24
    const most = Math.max(...data.attn, ...data.mlp)
    data.attn.forEach((attn, i) => {
      const x = this.blockX(i)
      const width = (this.blockX(i + 1) - x) * 0.3
      for (const [name, norm, offset] of [["attention", attn, 0.16], ["MLP", data.mlp[i], 0.54]]) {
        const height = (52 * norm) / most
        const bar = this.add("rect", { x: x + offset * (this.blockX(i + 1) - x), y: base - height, width, height, class: name })
        this.title(bar, `L${i} ${name} adds a vector of length ${norm.toFixed(2)} to ${data.positions[data.chosen]} ${data.tokens[data.chosen]}`)
      }
    })
    const x = this.columns.embeddings.end - 8
    this.text("added by", x, base - 38, "note", "end")
    this.text("attention ▮", x, base - 20, "note attention", "end")
    this.text("MLP ▮", x, base - 2, "note MLP", "end")
  }

  drawProbabilities() {
    const { data, columns } = this
    const { x, width } = columns.probabilities
    const n = data.top.length
    const pitch = Math.min(30, (this.lanesHeight + 60) / n)
    const y = this.laneY(data.chosen)
    const first = this.top + pitch / 2
    const words = Math.min(96, width * 0.48)
    data.top.forEach(({ token, probability }, i) => {
      const row = first + i * pitch
      const d = `M${x},${y} C${x + 12},${y} ${x + 8},${row} ${x + 20},${row}`
      this.add("path", { d, class: "fan" })
      const room = Math.floor(words / 9.2)
      const shown = token.length > room ? `${token.slice(0, room - 1)}…` : token
      const label = this.text(shown, x + 24, row + 5, "piece")
      this.title(label, token)
      const barX = x + 28 + words
      const most = width - words - 28 - 48
      this.add("rect", { x: barX, y: row - pitch * 0.32, width: Math.max(1, most * probability), height: pitch * 0.64, class: "bar" })
      this.text(`${(100 * probability).toFixed(1)} %`, barX + Math.max(1, most * probability) + 4, row + 5, "percent")
    })
  }

  words(className, text) {
    const span = document.createElement("span")
    span.className = className
    span.textContent = text
    return span
  }

  element(name, attributes) {
    const element = document.createElementNS(SVG, name)
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value)
    return element
  }

  add(name, attributes, parent = this.svg) {
    const element = this.element(name, attributes)
    parent.append(element)
    return element
  }

  text(words, x, y, className, anchor = "start", parent = this.svg) {
    const element = this.add("text", { x, y, class: className, "text-anchor": anchor }, parent)
    element.textContent = words
    return element
  }

  title(element, words) {
    this.add("title", {}, element).textContent = words
  }
}
