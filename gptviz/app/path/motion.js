// Calm motion: what is drawn anew glides from where it was, unless the system asks for stillness.
const DURATION = 250 // milliseconds

export class Motion {
  constructor() {
    this.drawn = new Map() // the numbers of each part by its key, as they are on the screen now
  }

  // Begins a new picture; parts of it glide, or stand where they belong at once.
  begin(glides) {
    cancelAnimationFrame(this.frame)
    this.before = this.drawn
    this.drawn = new Map()
    this.moving = []
    this.glides = glides && !matchMedia("(prefers-reduced-motion: reduce)").matches
  }

  // Shows a part with its numbers by set(numbers); new ones grow out of `born`.
  show(key, numbers, born, set) {
    const before = this.before.get(key)
    const from = before?.length === numbers.length ? before : born
    const glides = this.glides && numbers.some((number, i) => Math.abs(number - from[i]) > 0.5)
    const now = glides ? from : numbers
    this.drawn.set(key, now)
    set(now)
    if (glides) this.moving.push({ key, from, to: numbers, set })
  }

  end() {
    if (!this.moving.length) return
    const start = performance.now()
    const step = (time) => {
      const share = Math.min(1, Math.max(0, (time - start) / DURATION))
      const eased = 1 - (1 - share) ** 3
      for (const { key, from, to, set } of this.moving) {
        const now = to.map((number, i) => from[i] + (number - from[i]) * eased)
        this.drawn.set(key, now)
        set(now)
      }
      if (share < 1) this.frame = requestAnimationFrame(step)
    }
    this.frame = requestAnimationFrame(step)
  }

  stop() {
    cancelAnimationFrame(this.frame)
  }
}
