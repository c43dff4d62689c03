// The choice of a theme, which only the browser knows; streamlit_quirks.js carries it out.
import { element } from "../dom.js"
// oxlint-disable-next-line import/no-empty-named-blocks, unicorn/require-module-specifiers -- has no exports
import {} from "../streamlit_quirks.js"

// Streamlit calls the function below again and again, and tells only the last call when to end.
let last = new AbortController()

const choose = ({ dataset }) => globalThis.gptviz.choose(dataset.theme)

// When Streamlit has changed its theme, what the server drew is still in the colours of before.
let asked = ""
function drawAgain(shown, drawn, setTriggerValue) {
  if (shown === drawn) asked = ""
  else if (shown !== asked) {
    asked = shown
    setTriggerValue("shown", shown)
  }
}

export default function ({ data, parentElement, setTriggerValue }) {
  last.abort()
  const own = new AbortController()
  last = own
  const root = parentElement.querySelector(".themes")
  const row = element("div", "choices")
  row.setAttribute("role", "radiogroup")
  row.setAttribute("aria-label", data.title)
  const buttons = Object.entries(data.names).map(([theme, name]) => {
    const button = element("button", "", name)
    button.setAttribute("role", "radio")
    button.dataset.theme = theme
    button.addEventListener("click", () => choose(button))
    return button
  })
  const mark = () => {
    for (const button of buttons) {
      const chosen = button.dataset.theme === globalThis.gptviz.theme()
      button.setAttribute("aria-checked", chosen)
      button.tabIndex = chosen ? 0 : -1
    }
  }
  // One stop for the tab key; the arrow keys go from one to the next, as in any radio group.
  row.addEventListener("keydown", (event) => {
    const way = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key]
    if (!way) return
    event.preventDefault()
    const next = buttons.at((buttons.indexOf(event.target) + way) % buttons.length)
    choose(next)
    next.focus()
  })
  window.addEventListener("gptviz-theme", mark, own)
  const focused = root.contains(parentElement.activeElement)
  row.append(...buttons)
  root.replaceChildren(element("div", "title", data.title), row)
  mark()
  if (focused) row.querySelector('[tabindex="0"]').focus()
  drawAgain(getComputedStyle(root).getPropertyValue("--st-background-color"), data.drawn, setTriggerValue)
  return () => own.abort()
}
