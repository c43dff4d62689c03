// A text like a page of a book: what was given in grey, each token that was written on a tint that
// tells its probability. Whoever touches a token reads below why it could be drawn.
import { element, write } from "../../app/dom.js"
import { percent, whyWritten } from "./words.js"

export class Prose {
  root = element("div", "prose")
  page = element("p", "page")
  why = element("p", "why")

  // hint: what stands below until a token is touched
  constructor(hint = "") {
    this.hint = hint
    this.why.setAttribute("aria-live", "polite")
    this.root.append(this.page, this.why)
    for (const kind of ["pointerover", "focusin", "click"])
      this.page.addEventListener(kind, (event) => this.touch(event))
    this.page.addEventListener("keydown", (event) => this.move(event))
  }

  // text: prompt, cut, tokens, parting and settings, as `message` in book.py makes them
  draw(text, isOld = false) {
    this.root.classList.toggle("old", isOld)
    if (this.text === text) return
    const focused = this.words?.findIndex((word) => word.matches(":focus")) ?? -1
    this.text = text
    this.words = text.tokens.map((token, index) => wordOf(token, index, text.parting))
    const given = element("span", "given", `${text.cut ? "… " : ""}${text.prompt ?? ""}`)
    this.page.replaceChildren(given, ...this.words)
    const entry = this.words[Math.max(focused, 0)]
    if (entry) entry.tabIndex = 0
    if (focused >= 0) entry?.focus()
    this.tell(null)
  }

  touch(event) {
    const index = this.words.indexOf(event.target)
    if (index >= 0) this.tell(index)
  }

  tell(index) {
    this.words.forEach((word, i) => word.classList.toggle("told", i === index))
    const token = this.text.tokens[index]
    write(this.why, token ? `${token.token} – ${whyWritten(token, this.text.settings)}.` : this.hint)
  }

  // One stop for the tab key; the arrow keys go from token to token.
  move(event) {
    const now = this.words.indexOf(event.target)
    const to = { ArrowLeft: now - 1, ArrowRight: now + 1, Home: 0, End: this.words.length - 1 }[event.key]
    if (now < 0 || to === undefined) return
    event.preventDefault()
    const next = this.words[Math.min(Math.max(to, 0), this.words.length - 1)]
    this.words[now].tabIndex = -1
    next.tabIndex = 0
    next.focus()
  }
}

function wordOf(token, index, parting) {
  const word = element("span", "word", token.text)
  word.style.setProperty("--share", `${(100 * token.probability).toFixed(1)}%`)
  word.classList.toggle("parting", index === parting)
  word.classList.toggle("later", parting !== null && index > parting)
  word.setAttribute("role", "button")
  word.tabIndex = -1
  Object.assign(word.dataset, { id: token.id, probability: token.probability })
  word.title = percent(token.probability)
  return word
}

// What the tints mean.
export function legend() {
  const line = element("p", "legend")
  line.append("0 %", element("span", "scale"), "100 %: how likely each token was when it was drawn")
  return line
}
