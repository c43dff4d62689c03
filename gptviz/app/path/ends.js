// Where the path begins and ends: the tokens of the text, and the likeliest ones to come.
import { codeWidth, cut } from "./pen.js"

export class Ends {
  constructor(pen, data, place, motion, act) {
    Object.assign(this, { pen, data, place, motion, act })
  }

  drawTokens() {
    for (const lane of this.place.lanes.shown) this.drawToken(lane)
    this.drawHidden()
  }

  drawToken(lane) {
    const { data, place, pen } = this
    const [token, position] = [data.tokens[lane], data.positions[lane]]
    const { pitch } = place.lanes
    const middle = place.lanes.across(lane)
    const chosen = lane === data.chosen
    const { body, width } = place.place.tokens
    const box = place.down
      ? { x: middle - pitch / 2 + 2, y: body, width: pitch - 4, height: 40 }
      : { x: 30, y: middle - pitch / 2 + 0.5, width: width - 36, height: pitch - 1 }
    const act = () => this.act.choose(position)
    const label = `choose token ${position}, ${token}`
    const chip = pen.button(`token ${position}`, label, chosen ? "chip chosen" : "chip", act, box)
    chip.setAttribute("aria-pressed", chosen)
    const room = box.width - 8
    if (place.down) {
      pen.text(position, middle, body + 13, "position", "middle", chip)
      pen.text(cut(token, room), middle, body + 32, "piece", "middle", chip)
    } else {
      pen.text(position, 26, middle + 5, "position", "end", chip)
      pen.text(cut(token, room), 35, middle + 5.5, "piece", "start", chip)
    }
  }

  // Tokens that have no room are counted, and one of them is a click away.
  drawHidden() {
    const { lanes, down, place } = this.place
    const half = Math.floor(lanes.shown.length / 2)
    const first = this.data.positions[lanes.shown[0]]
    const hidden = [
      ["◂", "earlier", lanes.earlier, Math.max(0, first - half)],
      ["▸", "later", lanes.later, Math.min(this.data.count - 1, first + lanes.shown.length - 1 + half)],
    ].filter(([, , count]) => count)
    if (!hidden.length) return
    let [x, y] = down ? [4, place.tokens.body + 62] : [4, this.place.foot + 18]
    for (const [sign, word, count, position] of hidden) {
      const text = `${sign} ${count} ${word}`
      const box = { x: x - 4, y: y - 17, width: this.pen.width(text, 15) + 10, height: 24 }
      const label = `${count} ${word} not drawn: choose token ${position}`
      const button = this.pen.button(`hidden ${word}`, label, "hidden", () => this.act.choose(position), box)
      this.pen.text(text, x, y, "note", "start", button)
      if (down) x += box.width + 6
      else y += 25
    }
    this.pen.text("not drawn", x, y, "note")
  }

  drawCandidates() {
    const { data, place } = this
    const { from, body, width, to } = place.place.probabilities
    const list = this.rows()
    const mark = data.came ? 26 : 0
    const box = place.down
      ? { x: 0, y: body + 4, width: place.width, pitch: 28 }
      : { x: from, y: place.top, width, pitch: Math.min(30, (place.foot + 80 - mark - place.top) / list.length) }
    const lane = place.lanes.across(data.chosen)
    // Tokens take the room that they need, the bars what is left, and percentages always fit.
    const needed = Math.max(...list.map((row) => 10 + codeWidth(row.token) + (row.rank ? 36 : 0)))
    const percents = Math.max(...list.map((row) => this.pen.width(percentOf(row.probability)))) + 8
    const room = box.width - 28 - percents
    const widest = Math.min(needed, room - (place.down ? 60 : 14))
    const most = room - widest
    list.forEach((row, i) => {
      const y = box.y + (i + 0.5) * box.pitch
      if (!place.down) this.fan(place.place.logits.to, lane, from + 18, y)
      const part = this.candidate(row, {
        x: box.x + 20,
        y: y - box.pitch / 2,
        width: box.width - 20,
        height: box.pitch,
      })
      const rank = row.rank ? 36 : 0
      if (row.rank) this.pen.text(`#${row.rank}`, box.x + 24, y + 5.5, "position", "start", part)
      this.pen.text(cut(row.token, widest - rank - 6), box.x + 24 + rank, y + 5.5, "piece", "start", part)
      this.bar(row, { x: box.x + 28 + widest, y, most, thick: box.pitch * 0.6 }, part)
      if (row.came) this.pen.text("✓", box.x + 4, y + 5.5, "came", "start", part)
    })
    if (!data.came) return
    const y = box.y + list.length * box.pitch + 20
    this.pen.text("✓ what really came next", place.down ? 4 : to, y, "note", place.down ? "start" : "end")
  }

  // The likeliest, and the token that really came next: one of them, or a row of its own.
  rows() {
    const { top, came } = this.data
    const list = top.map((row, i) => ({ ...row, came: came?.rank === i + 1 }))
    return came && came.rank > top.length ? [...list, { ...came, came: true }] : list
  }

  candidate(row, box) {
    const name = row.came ? "candidate came" : "candidate"
    const percent = percentOf(row.probability)
    if (this.data.canAppend && row.id !== undefined) {
      const label = `append ${row.token}, ${percent}`
      return this.pen.button(`append ${row.id}`, label, name, () => this.act.append(row.id), box)
    }
    const part = this.pen.group({ class: name })
    this.pen.add("rect", { ...box, rx: 5, class: "face" }, part)
    this.pen.title(part, `${row.token}, ${percent}`)
    return part
  }

  bar(row, { x, y, most, thick }, part) {
    // Scaled to the likeliest, so that ten unlikely ones can be told apart, too.
    const long = Math.max(1, (most * row.probability) / this.data.top[0].probability)
    const bar = this.pen.add("rect", { x, y: y - thick / 2, height: thick, class: "bar" }, part)
    const percent = this.pen.text(percentOf(row.probability), x, y + 5.5, "percent", "start", part)
    this.motion.show(`bar ${row.rank ? "came" : row.id}`, [Math.min(most, long)], [0], ([now]) => {
      bar.setAttribute("width", now)
      percent.setAttribute("x", x + now + 5)
    })
  }

  fan(along, across, toX, toY) {
    const d = `M${along},${across} C${along + 12},${across} ${toX - 12},${toY} ${toX},${toY}`
    this.pen.add("path", { d, class: "fan" })
  }
}

function percentOf(probability) {
  const percent = 100 * probability
  if (percent >= 0.05) return `${percent.toFixed(1)} %`
  return percent >= 0.001 ? `${Number(percent.toPrecision(1))} %` : "<0.001 %"
}
