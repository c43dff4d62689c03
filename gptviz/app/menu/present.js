// While the presenter is on: a way back that is always there, above a page that has no sidebar.
import { element } from "../dom.js"

// What Escape closes first, if it is open.
const OPEN = '[role="dialog"], [role="listbox"], [role="menu"], [data-testid="stPopoverBody"]'
const TYPED_IN = "input:not([type=range]), textarea, select, [contenteditable]"
const LOOK = {
  position: "fixed",
  right: "12px",
  bottom: "12px",
  zIndex: 1_000_000,
  padding: "6px 14px",
  font: "16px sans-serif",
  color: "#fafafa",
  background: "#31333f",
  border: "1px solid #fafafa",
  borderRadius: "18px",
  cursor: "pointer",
}

// Streamlit calls the function below again and again, and tells only the last call when to end.
let end = () => {}

export default function ({ data, setTriggerValue }) {
  end()
  const leave = () => setTriggerValue("leave", true)
  const button = element("button", "", data.leave)
  button.addEventListener("click", leave)
  Object.assign(button.style, LOOK)
  const escape = (event) => {
    const typing = event.composedPath()[0].matches?.(TYPED_IN)
    if (event.key !== "Escape" || event.defaultPrevented || typing || document.querySelector(OPEN)) return
    leave()
  }
  // Outside of the page's own parts, which are scaled, and not at its end in the tab order.
  document.body.prepend(button)
  window.addEventListener("keydown", escape)
  end = () => {
    button.remove()
    window.removeEventListener("keydown", escape)
  }
  return end
}
