// The links to all pages. A click leads there without loading Streamlit anew.
import { element } from "../dom.js"
import { know } from "./known.js"

export default function ({ data, parentElement }) {
  const root = parentElement.querySelector(".links")
  if (root.dataset.here !== data.here) draw(root, data)
  for (const link of root.querySelectorAll("a")) link.href = link.dataset.path + (data.query && `?${data.query}`)
  know(root)
}

function draw(root, { here, label, groups }) {
  root.dataset.here = here
  root.setAttribute("aria-label", label)
  root.replaceChildren(...groups.map(({ title, pages }) => groupOf(title, pages, here)))
}

function groupOf(title, pages, here) {
  const list = element("ul")
  list.append(...pages.map((page) => item(page, here)))
  if (!title) return list
  const group = element("details")
  group.open = pages.some(({ name }) => name === here)
  group.append(element("summary", "", title), list)
  return group
}

function item({ name, path, title }, here) {
  const link = element("a", "", title)
  link.dataset.path = path
  if (name === here) link.setAttribute("aria-current", "page")
  link.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return // a tab or a window of its own
    event.preventDefault()
    go(link.href)
  })
  const place = element("li")
  place.append(link)
  return place
}

// Streamlit goes to another page where the reader goes back to one; that is how it is told here.
function go(url) {
  history.pushState({}, "", url)
  dispatchEvent(new PopStateEvent("popstate"))
}
