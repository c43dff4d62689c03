// What the parts of a live chart have in common: ticks, and numbers as text.

// The index of the number in a rising row that is closest to another.
export function nearest(row, number) {
  let [low, high] = [0, row.length - 1]
  while (high - low > 1) {
    const middle = (low + high) >> 1
    if (row[middle] < number) low = middle
    else high = middle
  }
  return number - row[low] <= row[high] - number ? low : high
}

// Round numbers between two others, about as many as asked for, at least so far apart.
export function roundTicks(low, high, about, apart = 0) {
  const rough = Math.max(apart, (high - low) / Math.max(2, about))
  const power = 10 ** Math.floor(Math.log10(rough))
  const step = power * ([1, 2, 5].find((factor) => factor * power >= rough) ?? 10)
  const ticks = []
  for (let i = Math.ceil(low / step); i * step <= high; i++) ticks.push(Number((i * step).toPrecision(12)))
  return ticks
}

// Ticks of a logarithmic scale between two powers of ten; round numbers where it spans little.
export function logarithmicTicks(low, high) {
  const ticks = []
  for (let power = Math.floor(low); power <= high; power++) {
    for (const factor of high - low > 3 ? [1] : [1, 2, 5]) {
      const tick = factor * 10 ** power
      if (Math.log10(tick) >= low && Math.log10(tick) <= high) ticks.push(tick)
    }
  }
  return ticks.length > 1 ? ticks : roundTicks(10 ** low, 10 ** high, 4)
}

// At most 6 digits, of which 4 after the point: whichever are fewer, rounded once.
const SHORT = { maximumSignificantDigits: 6, maximumFractionDigits: 4, roundingPriority: "lessPrecision" }

export function short(number) {
  if (number !== 0 && (Math.abs(number) < 1e-3 || Math.abs(number) >= 1e7))
    return number.toExponential(1).replace(".0", "").replace("e+", "e")
  return number.toLocaleString("en-US", SHORT)
}

export function exact(number) {
  if (!Number.isFinite(number)) return "∞"
  if (Math.abs(number) >= 1000) return Math.round(number).toLocaleString("en-US")
  if (number !== 0 && Math.abs(number) < 1e-3) return number.toExponential(2)
  return number.toFixed(Math.abs(number) < 0.1 ? 5 : Math.abs(number) < 100 ? 3 : 1)
}
