// Draws tokens as chips.
import { element, scaleOf } from "../dom.js"
import { offerToSave } from "../keep.js"

export default function (component) {
  const { data, parentElement, setTriggerValue } = component
  const root = parentElement.querySelector(".root")
  const focused = chipsOf(root).indexOf(root.getRootNode().activeElement)
  const rows = element("div", `rows ${data.arrange}`)
  rows.classList.toggle("clickable", data.clickable)
  rows.append(...data.rows.map((row) => rowOf(row, data)))
  const tip = element("div", "tip")
  tip.setAttribute("role", "tooltip")
  tip.hidden = true
  root.replaceChildren(rows, tip)
  if (data.file) offerToSave(root, data.file)
  const news = rows.querySelector(data.arrange === "line" ? ".chosen" : ".row:last-child .marked")
  if (news) rows.scrollLeft = news.offsetLeft - rows.clientWidth / 2

  const chips = chipsOf(root)
  const show = (event) => {
    const chip = event.target.closest(".token")
    tip.hidden = !chip?.dataset.hover
    if (!tip.hidden) showBelow(chip, tip, root)
  }
  const hide = () => (tip.hidden = true)
  rows.addEventListener("mouseover", show)
  rows.addEventListener("focusin", show)
  rows.addEventListener("mouseleave", hide)
  rows.addEventListener("focusout", hide)
  rows.addEventListener("click", (event) => {
    const chip = event.target.closest(".token")
    if (chip && data.clickable) setTriggerValue("position", Number(chip.dataset.position))
  })
  // One stop for the tab key; the arrow keys go from chip to chip.
  rows.addEventListener("keydown", (event) => {
    const now = chips.indexOf(event.target)
    const last = chips.length - 1
    const to = { ArrowLeft: now - 1, ArrowRight: now + 1, Home: 0, End: last }[event.key]
    if (now < 0 || to === undefined) return
    event.preventDefault()
    const next = chips[Math.min(Math.max(to, 0), last)]
    chips[now].tabIndex = -1
    next.tabIndex = 0
    next.focus()
  })
  const chosen = chips.findIndex((chip) => chip.classList.contains("chosen"))
  const entry = chips[focused] ?? chips[chosen] ?? chips[0]
  if (entry) entry.tabIndex = 0
  if (focused >= 0) entry?.focus()
}

function chipsOf(root) {
  return [...root.querySelectorAll(".token")]
}

function rowOf(row, data) {
  const part = element("section", "row")
  if (row.name || row.note) {
    const head = element("div", "head")
    head.append(element("span", "name", row.name), element("span", "note", row.note))
    if (data.arrange === "beside") head.insertBefore(element("br"), head.lastChild)
    part.append(head)
  }
  const chips = element("div", "chips")
  for (const chip of row.chips) {
    chips.append(chipOf(chip, data))
    const wraps = data.arrange !== "aligned"
    if (wraps && chip.piece.endsWith("⏎")) chips.append(element("span", "break"))
  }
  part.append(chips)
  return part
}

function chipOf(chip, data) {
  const token = element(data.clickable ? "button" : "span", "token")
  const chosen = chip.position === data.chosen
  token.classList.toggle("chosen", chosen)
  token.classList.toggle("marked", chip.marked)
  token.tabIndex = -1
  token.dataset.position = chip.position
  token.dataset.hover = chip.hover
  token.setAttribute("aria-label", `${chip.position}: ${chip.piece}, ${chip.hover}`)
  if (data.clickable) token.setAttribute("aria-pressed", chosen)
  else token.setAttribute("role", "img")
  if (data.arrange === "aligned") token.style.gridColumn = `span ${chip.width}`
  const piece = element("span", "piece", chip.piece)
  piece.style.backgroundColor = chip.behind || data.colours[chip.position % data.colours.length]
  piece.style.color = chip.ink
  token.append(element("span", "position", chip.position), piece)
  if (chip.under) token.append(element("span", "under", chip.under))
  return token
}

function showBelow(chip, tip, root) {
  tip.textContent = chip.dataset.hover
  const box = chip.getBoundingClientRect()
  const frame = root.getBoundingClientRect()
  const scale = scaleOf(root)
  const left = Math.min((box.left - frame.left) / scale, root.clientWidth - tip.offsetWidth)
  tip.style.left = `${Math.max(0, left)}px`
  tip.style.top = `${(box.bottom - frame.top) / scale + 3}px`
}
