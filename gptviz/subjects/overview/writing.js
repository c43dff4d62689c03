// Asks for the next token a little after the last one is drawn, until the reader clicks somewhere.
// The server cannot know that by itself: it may see the click and this wish at the same time.
let text = null // the one that is written just now
let began = 0
let clicked = 0
let leaves = false // for another page, from which a wish that is sent after the click would lead back
let asked = null // after which run of the page
let timer = null

addEventListener(
  "click",
  (event) => {
    clicked = performance.now()
    leaves = event.composedPath().some((part) => part instanceof HTMLAnchorElement)
    if (leaves) clearTimeout(timer)
  },
  true,
)

export default function ({ data, setTriggerValue }) {
  if (data.text !== text) {
    text = data.text
    began = performance.now()
    leaves = false
  }
  clearTimeout(timer)
  if (data.run !== asked && !leaves) timer = setTimeout(ask, data.rest)
  return () => clearTimeout(timer)

  function ask() {
    asked = data.run
    setTriggerValue(clicked > began ? "enough" : "again", true)
  }
}
