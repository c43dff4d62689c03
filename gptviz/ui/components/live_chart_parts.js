// What the parts of a live chart have in common: ticks, numbers as text, elements.
const SVG = "http://www.w3.org/2000/svg"

// The index of the number in a rising row that is closest to another.
function nearest(row, number) {
  let [low, high] = [0, row.length - 1]
  while (high - low > 1) {
    const middle = (low + high) >> 1
    if (row[middle] < number) low = middle
    else high = middle
  }
  return number - row[low] <= row[high] - number ? low : high
}

// Round numbers between two others, about as many as asked for, at least so far apart.
function roundTicks(low, high, about, apart = 0) {
  const rough = Math.max(apart, (high - low) / Math.max(2, about))
  const power = 10 ** Math.floor(Math.log10(rough))
  const step = power * ([1, 2, 5].find((factor) => factor * power >= rough) ?? 10)
  const ticks = []
  for (let i = Math.ceil(low / step); i * step <= high; i++) ticks.push(Number((i * step).toPrecision(12)))
  return ticks
}

// Ticks of a logarithmic scale between two powers of ten; round numbers where it spans little.
function logarithmicTicks(low, high) {
  const ticks = []
  for (let power = Math.floor(low); power <= high; power++) {
    for (const factor of high - low > 3 ? [1] : [1, 2, 5]) {
      const tick = factor * 10 ** power
      if (Math.log10(tick) >= low && Math.log10(tick) <= high) ticks.push(tick)
    }
  }
  return ticks.length > 1 ? ticks : roundTicks(10 ** low, 10 ** high, 4)
}

function short(number) {
  if (number !== 0 && (Math.abs(number) < 1e-3 || Math.abs(number) >= 1e7)) return number.toExponential().replace(/(\.\d)\d+/, "$1").replace("e+", "e")
  return Number(number.toPrecision(6)).toLocaleString("en-US", { maximumFractionDigits: 4 })
}

function exact(number) {
  if (!Number.isFinite(number)) return "∞"
  if (Math.abs(number) >= 1000) return Math.round(number).toLocaleString("en-US")
  if (number !== 0 && Math.abs(number) < 1e-3) return number.toExponential(2)
  return number.toFixed(Math.abs(number) < 0.1 ? 5 : Math.abs(number) < 100 ? 3 : 1)
}

// Sets the attributes of a part, or hides it.
function place(part, attributes) {
  part.style.display = attributes ? "" : "none"
  for (const [name, value] of Object.entries(attributes || {})) part.setAttribute(name, value)
}

function write(part, text) {
  if (part.textContent !== text) part.textContent = text
}

function element(name, className, text = "") {
  const made = document.createElement(name)
  made.className = className
  made.textContent = text
  return made
}

function vector(name, attributes) {
  const made = document.createElementNS(SVG, name)
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value)
  return made
}

function words(text, x, y, anchor) {
  const made = vector("text", { x, y, "text-anchor": anchor })
  made.textContent = text
  return made
}
