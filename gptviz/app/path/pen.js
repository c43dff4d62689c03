// Adds parts to the vector picture: shapes, texts, and what can be clicked or reached by Tab.
import { vector, words } from "../dom.js"

const CODE_WIDTH = 0.61 // of a letter of code, in parts of its size

export class Pen {
  constructor(svg) {
    this.svg = svg
    this.ruler = document.createElement("canvas").getContext("2d")
    this.ruler.font = `16px ${getComputedStyle(svg).fontFamily}`
  }

  // How many pixels a text of the page takes.
  width(text, size = 16) {
    return (this.ruler.measureText(text).width * size) / 16
  }

  add(name, attributes, parent = this.svg) {
    const part = vector(name, attributes)
    parent.append(part)
    return part
  }

  text(text, x, y, className, anchor = "start", parent = this.svg) {
    const part = words(text, x, y, anchor, { class: className })
    parent.append(part)
    return part
  }

  title(part, text) {
    this.add("title", {}, part).textContent = text
  }

  group(attributes) {
    return this.add("g", attributes)
  }

  // Something to click, by mouse or by Enter and Space; the key finds it again in the next picture.
  button(key, label, className, act, box) {
    const button = this.add("g", { class: className, tabindex: 0, role: "button", "aria-label": label })
    button.dataset.key = key
    this.add("rect", { ...box, rx: 5, class: "face" }, button)
    this.title(button, label)
    button.addEventListener("click", act)
    button.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" && event.key !== " ") return
      event.preventDefault()
      act(event)
    })
    return button
  }
}

// How many pixels a text in code letters takes.
export function codeWidth(text, size = 16) {
  return [...text].length * CODE_WIDTH * size
}

// A text in code letters, as much of it as has room; … stands for the rest.
export function cut(text, room, size = 16) {
  const all = [...text]
  const letters = Math.floor(room / (CODE_WIDTH * size))
  return all.length > letters ? `${all.slice(0, Math.max(1, letters - 1)).join("")}…` : text
}
