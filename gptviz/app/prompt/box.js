// The box in which the text is typed. The page follows the typing after a short pause.
import { element, followWidth, pictureIn } from "../dom.js"

const PAUSE = 300 // milliseconds after the last letter
const boxes = new Map() // by the element in which each is drawn

export default function (component) {
  const { data, parentElement, setTriggerValue } = component
  const root = parentElement.querySelector(".box")
  const box = pictureIn(boxes, root, () => new Box(root, data))
  box.update(data, (typed) => setTriggerValue("text", typed))
}

class Box {
  timer = null // while the reader types

  constructor(root, data) {
    this.number = data.number // of the last text that went to the page from here
    this.root = root
    this.area = element("textarea")
    Object.assign(this.area, { rows: 1, spellcheck: false, placeholder: data.hint })
    this.area.setAttribute("aria-label", "Your text")
    this.area.addEventListener("input", () => {
      this.fit()
      clearTimeout(this.timer)
      this.timer = setTimeout(() => this.commit(), PAUSE)
    })
    this.area.addEventListener("keydown", (event) => {
      // While letters are put together, as in Korean, Enter only ends that.
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return
      event.preventDefault()
      this.commit()
    })
    this.area.addEventListener("focus", () => {
      this.fit()
      if (this.data.writes) this.send() // who begins to type stops the writing
    })
    this.area.addEventListener("blur", () => {
      if (this.timer) this.commit()
      this.fit()
    })
    root.replaceChildren(this.area)
    this.show(data.text)
    const drawnWidth = () => this.width
    this.unfollow = followWidth(root, drawnWidth, () => this.fit())
  }

  leave() {
    clearTimeout(this.timer)
    this.unfollow()
  }

  // The page's text counts where the page knows all that was typed, and wrote or chose another.
  update(data, send) {
    const late = data.number < this.number && data.session === this.data?.session
    Object.assign(this, { data, toPage: send })
    if (late || this.timer) return
    this.number = data.number
    if (data.text !== this.sent) this.show(data.text)
  }

  show(text) {
    this.sent = this.area.value = text
    this.fit()
  }

  commit() {
    clearTimeout(this.timer)
    this.timer = null
    this.repair()
    if (this.read() !== this.sent) this.send()
  }

  // Half a surrogate pair is no character, and nothing that could be sent.
  repair() {
    const { value, selectionStart, selectionEnd } = this.area
    const whole = value.replace(/\p{Surrogate}/gu, "\uFFFD")
    if (whole === value) return
    this.area.value = whole
    this.area.setSelectionRange(selectionStart, selectionEnd)
  }

  // What the page reads of a book is only its end.
  read() {
    return this.area.value.slice(-this.data.longest).replace(/\p{Surrogate}/gu, "\uFFFD")
  }

  send() {
    const text = (this.sent = this.read())
    this.number += 1
    this.toPage({ text, number: this.number })
  }

  // As high as its text, up to what its style allows; at rest the end of a longer text shows.
  fit() {
    this.width = this.root.clientWidth
    this.area.style.height = "auto"
    this.area.style.height = `${this.area.scrollHeight + 2}px`
    if (this.area.getRootNode().activeElement !== this.area) this.area.scrollTop = this.area.scrollHeight
  }
}
