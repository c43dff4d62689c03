// Draws a part of the page anew as one vector picture that needs nothing but itself: boxes, texts
// in their lines, vector pictures with the style they have here, canvases as images, and the fonts.
import { element, place, scaleOf, vector, words } from "./dom.js"
import { fonts } from "./fonts.js"
import { lettering } from "./lettering.js"

const AIR = 12 // pixels around the picture
const SKIPPED = "style, script, input, select, textarea, [aria-live], .save"
const STYLES = [
  "fill",
  "fill-opacity",
  "stroke",
  "stroke-opacity",
  "stroke-width",
  "stroke-dasharray",
  "stroke-linecap",
  "stroke-linejoin",
  "paint-order",
  "opacity",
  "visibility",
  "image-rendering",
]
const TEXT_STYLES = ["font-family", "font-size", "font-weight", "font-style", "text-anchor", "dominant-baseline"]
const SIDES = ["Top", "Right", "Bottom", "Left"]
const measure = element("canvas").getContext("2d")

// The text of the picture of an element, and its size in pixels.
export async function drawnAnew(root) {
  const drawing = new Drawing(root)
  drawing.draw(root, drawing.svg)
  const { svg, width, height } = drawing.finished(getComputedStyle(root))
  const style = vector("style")
  style.textContent = await fonts(drawing.families)
  svg.prepend(style)
  return { text: new XMLSerializer().serializeToString(svg), width, height }
}

class Drawing {
  svg = vector("svg")
  families = new Set()
  right = 0
  bottom = 0
  clips = 0

  constructor(root) {
    const box = root.getBoundingClientRect()
    this.left = box.left
    this.top = box.top
    this.scale = scaleOf(root) // of a page that is shown larger than it is laid out
  }

  // The picture with its background and the size of all that was drawn.
  finished(style) {
    const [width, height] = [this.right, this.bottom].map((end) => Math.ceil(end) + 2 * AIR)
    place(this.svg, { width, height, viewBox: `${-AIR} ${-AIR} ${width} ${height}` })
    const paper = { x: -AIR, y: -AIR, width, height, fill: style.getPropertyValue("--st-background-color") || "#fff" }
    this.svg.prepend(vector("rect", paper))
    return { svg: this.svg, width, height }
  }

  draw(node, into) {
    if (node.nodeType === Node.TEXT_NODE) return this.text(node, into)
    if (node.nodeType !== Node.ELEMENT_NODE || node.matches(SKIPPED) || !node.checkVisibility()) return
    const style = getComputedStyle(node)
    if (style.visibility === "hidden" || style.opacity === "0") return
    const box = this.boxOf(node)
    const group = this.group(style, box, into)
    if (node instanceof SVGSVGElement) return this.copy(node, box, group)
    // What stands in a line has a box on each line that it runs over.
    const boxes = style.display === "inline" ? [...node.getClientRects()].map((one) => this.unscaled(one)) : [box]
    for (const one of boxes) this.box(style, one, group)
    if (node instanceof HTMLCanvasElement) this.image(node, box, group)
    for (const child of node.childNodes) this.draw(child, group)
  }

  boxOf(part) {
    return this.unscaled(part.getBoundingClientRect())
  }

  unscaled({ left, top, width, height }) {
    const { scale } = this
    return { x: (left - this.left) / scale, y: (top - this.top) / scale, width: width / scale, height: height / scale }
  }

  see({ x, y, width, height }) {
    this.right = Math.max(this.right, x + width)
    this.bottom = Math.max(this.bottom, y + height)
  }

  // Where the children go: straight into the parent, or into a group that fades or cuts them.
  group(style, box, into) {
    const cuts = ["hidden", "clip"].includes(style.overflowX)
    if (!cuts && style.opacity === "1") return into
    const group = vector("g", { opacity: style.opacity })
    if (cuts) {
      const id = `cut-${++this.clips}`
      const clip = vector("clipPath", { id })
      clip.append(vector("rect", box))
      group.append(clip)
      group.setAttribute("clip-path", `url(#${id})`)
    }
    into.append(group)
    return group
  }

  box(style, box, into) {
    const rx = Math.min(parseFloat(style.borderTopLeftRadius) || 0, box.height / 2)
    const shades = style.backgroundImage.startsWith("linear-gradient") && style.backgroundImage.match(/rgb[^)]*\)/g)
    const fill = shades ? this.shade(shades, into) : plain(style.backgroundColor)
    if (isSeen(fill)) {
      into.append(vector("rect", { ...box, rx, fill }))
      this.see(box)
    }
    const borders = SIDES.map((side) => ({
      width: style[`border${side}Style`] === "none" ? 0 : parseFloat(style[`border${side}Width`]),
      colour: plain(style[`border${side}Color`]),
      dashes: style[`border${side}Style`] === "dashed" ? "4 3" : "none",
    })).map((border) => (isSeen(border.colour) ? border : { ...border, width: 0 }))
    if (!borders.some(({ width }) => width)) return
    this.see(box)
    const [{ width, colour, dashes }] = borders
    const line = { fill: "none", stroke: colour, "stroke-width": width, "stroke-dasharray": dashes }
    const [x, y] = [box.x + width / 2, box.y + width / 2]
    const isFrame = borders.every((border) => border.width === width && border.colour === colour)
    if (isFrame)
      into.append(vector("rect", { x, y, width: box.width - width, height: box.height - width, rx, ...line }))
    else into.append(...borders.filter((border) => border.width).map((border) => edge(box, border, borders)))
  }

  shade(colours, into) {
    const id = `shade-${++this.clips}`
    const gradient = vector("linearGradient", { id })
    colours.forEach((colour, i) => {
      gradient.append(vector("stop", { offset: i / (colours.length - 1), "stop-color": plain(colour) }))
    })
    into.append(gradient)
    return `url(#${id})`
  }

  image(canvas, box, into) {
    if (!canvas.width || !canvas.height) return
    into.append(vector("image", { ...box, href: canvas.toDataURL(), preserveAspectRatio: "none" }))
    this.see(box)
  }

  // A vector picture inside, with what the style sheets here say written into each of its parts.
  copy(svg, box, into) {
    const made = svg.cloneNode(true)
    const copies = [made, ...made.querySelectorAll("*")]
    const parts = [svg, ...svg.querySelectorAll("*")]
    parts.forEach((part, i) => {
      const copy = copies[i]
      const style = getComputedStyle(part)
      const isText = part instanceof SVGTextContentElement
      if (isText) this.families.add(style.fontFamily)
      for (const name of isText ? [...STYLES, ...TEXT_STYLES] : STYLES) {
        copy.setAttribute(name, plain(style.getPropertyValue(name)))
      }
      if (part instanceof SVGAElement) copy.removeAttribute("href") // it would lead nowhere
      for (const name of ["class", "style", "tabindex", "role"]) copy.removeAttribute(name)
      if (style.display === "none" && !(part instanceof SVGTitleElement)) copy.dataset.gone = ""
    })
    made.querySelectorAll("[data-gone]").forEach((part) => part.remove())
    place(made, { ...box, overflow: getComputedStyle(svg).overflowX })
    into.append(made)
    this.see(box)
  }

  // Each line is as wide as it is here, whatever font there is.
  text(node, into) {
    const style = getComputedStyle(node.parentElement)
    measure.font = `${style.fontStyle} ${style.fontWeight} ${style.fontSize} ${style.fontFamily}`
    const { fontBoundingBoxAscent: up, fontBoundingBoxDescent: down } = measure.measureText("x")
    for (const { text, box, at, length, turn } of lettering(node, style, up / (up + down), (b) => this.unscaled(b))) {
      const part = words(text, ...at, "start", {
        fill: plain(style.color),
        "font-family": style.fontFamily,
        "font-size": style.fontSize,
        "font-weight": style.fontWeight,
        "text-decoration": style.textDecorationLine,
        textLength: length,
        lengthAdjust: "spacingAndGlyphs",
        ...(turn && { transform: `rotate(${turn} ${at})` }),
      })
      part.style.whiteSpace = "pre"
      this.families.add(style.fontFamily)
      this.see(box)
      into.append(part)
    }
  }
}

function edge({ x, y, width, height }, border, borders) {
  const half = border.width / 2
  const [x1, y1, x2, y2] = [
    [x, y + half, x + width, y + half],
    [x + width - half, y, x + width - half, y + height],
    [x, y + height - half, x + width, y + height - half],
    [x + half, y, x + half, y + height],
  ][borders.indexOf(border)]
  const line = { x1, y1, x2, y2, stroke: border.colour, "stroke-width": border.width }
  return vector("line", { ...line, "stroke-dasharray": border.dashes })
}

function isSeen(colour) {
  return colour !== "transparent" && !/^rgba\(.*, 0\)$/.test(colour)
}

// A mixed colour in the way that every program reads.
function plain(value) {
  const mixed = value.match(/^color\(srgb ([\d.e-]+) ([\d.e-]+) ([\d.e-]+)(?: \/ ([\d.e-]+))?\)$/)
  if (!mixed) return value
  const [red, green, blue] = mixed.slice(1, 4).map((share) => Math.round(255 * share))
  return `rgba(${red}, ${green}, ${blue}, ${mixed[4] ?? 1})`
}
