// A vector as small squares: blue below 0, red above, and the page's own colour for 0.

// The picture as an address that an <image> shows; rows of a matrix stay rows.
export function strip({ cells, shape }, colours, { width, height }) {
  const levels = Int8Array.from(atob(cells), (letter) => (letter.charCodeAt(0) << 24) >> 24)
  const rows = shape.length > 1 ? shape[0] : rowsOf(levels.length, height / width)
  const columns = levels.length / rows
  const canvas = document.createElement("canvas")
  Object.assign(canvas, { width: columns, height: rows })
  const brush = canvas.getContext("2d")
  const image = brush.createImageData(columns, rows)
  const stops = colours.map(rgb)
  levels.forEach((level, i) => {
    image.data.set([...between(stops, (level / 127 + 1) / 2), 255], 4 * i)
  })
  brush.putImageData(image, 0, 0)
  return canvas.toDataURL()
}

// In how many rows of equal length so many squares have about the form of their place.
function rowsOf(count, form) {
  const ideal = Math.sqrt(count * form)
  const unlike = (rows) => Math.abs(Math.log(rows / ideal))
  const divisors = Array.from({ length: count }, (_, i) => i + 1).filter((rows) => count % rows === 0)
  return divisors.reduce((best, rows) => (unlike(rows) < unlike(best) ? rows : best))
}

function between(stops, share) {
  const at = Math.min(stops.length - 1.001, Math.max(0, share * (stops.length - 1)))
  const [lower, part] = [Math.floor(at), at % 1]
  return stops[lower].map((channel, i) => channel + (stops[lower + 1][i] - channel) * part)
}

function rgb(hex) {
  return [1, 3, 5].map((start) => Number.parseInt(hex.slice(start, start + 2), 16))
}
