// A board of cells: a colour and a text each, and a button to choose it.
import { element, unpacked } from "../dom.js"
import { offerToSave } from "../keep.js"

const CROWDED = 24 // columns; beyond, the letters are smaller
const LABEL_WIDTH = 84

export default function (component) {
  const { data, parentElement, setTriggerValue } = component
  const root = parentElement.querySelector(".board")
  const focused = cellsOf(root).indexOf(root.getRootNode().activeElement)
  const before = root.querySelector(".scroll")?.scrollLeft
  const board = boardOf(data)
  const tip = element("div", "tip")
  root.replaceChildren(board.scroll, board.ends, tip)
  offerToSave(root, board.file)
  root.style.setProperty("--columns", board.columns)
  root.classList.toggle("crowded", board.columns > CROWDED)

  const cells = cellsOf(root)
  const entry = cells[focused] ?? cells.find((cell) => cell.classList.contains("chosen")) ?? cells[0]
  if (entry) entry.tabIndex = 0
  if (focused >= 0) entry?.focus()
  board.scroll.scrollLeft = before ?? (entry ? entry.offsetLeft + entry.offsetWidth - board.scroll.clientWidth : 0)

  const tell = (event) => {
    const cell = event.target.closest(".cell")
    if (cell) tip.textContent = cell.getAttribute("aria-label")
  }
  board.scroll.addEventListener("mouseover", tell)
  board.scroll.addEventListener("focusin", tell)
  board.scroll.addEventListener("mouseleave", () => (tip.textContent = ""))
  board.scroll.addEventListener("click", (event) => {
    const cell = event.target.closest(".cell")
    const at = cells.indexOf(cell)
    if (!cell) return
    const [row, column] = [Math.floor(at / board.columns), at % board.columns]
    setTriggerValue("cell", [row, column])
    if (board.leads) follow(board.leads, row, column)
  })
  // One stop for the tab key; the arrow keys go from cell to cell.
  board.scroll.addEventListener("keydown", (event) => {
    const now = cells.indexOf(event.target)
    const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -board.columns, ArrowDown: board.columns }[event.key]
    const next = cells[now + step]
    if (now < 0 || !next) return
    event.preventDefault()
    cells[now].tabIndex = -1
    next.tabIndex = 0
    next.focus()
  })
}

function cellsOf(root) {
  return [...root.querySelectorAll(".cell")]
}

function boardOf(data) {
  const { header, body } = unpacked(data)
  const n = header.rows.length * header.columns.length
  const values = new Float32Array(body.buffer, 0, n)
  const rest = body.subarray(4 * n)
  const colours = Array.from({ length: 256 }, (_, i) => `rgb(${rest.subarray(3 * i, 3 * i + 3).join(" ")})`)
  const isDark = rest.subarray(768, 1024)
  const levels = rest.subarray(1024)

  const scroll = element("div", "scroll")
  const cells = element("div", "cells")
  cells.setAttribute("role", "group")
  cells.setAttribute("aria-label", header.alt)
  const least = header.texts.length ? (header.columns.length > CROWDED ? 60 : 68) : 52
  cells.style.gridTemplateColumns = `minmax(${LABEL_WIDTH}px, max-content) repeat(${header.columns.length}, minmax(${least}px, 1fr))`
  cells.append(element("span", "row"), ...header.columns.map(columnOf))
  header.rows.forEach((row, r) => {
    cells.append(element("span", "row", row))
    header.columns.forEach((column, c) => {
      const at = r * header.columns.length + c
      const text = header.texts[at] ?? written(values[at])
      const cell = element("button", "cell", text)
      const told = { row, column, text, value: written(values[at]) }
      const isChosen = header.chosen?.[0] === r && header.chosen[1] === c
      cell.classList.toggle("chosen", isChosen)
      cell.setAttribute("aria-pressed", isChosen)
      cell.setAttribute(
        "aria-label",
        header.hover.replace(/\{(\w+)\}/g, (_, name) => told[name]),
      )
      cell.style.background = colours[levels[at]]
      cell.style.color = isDark[levels[at]] ? "#fff" : "#000"
      cell.tabIndex = -1
      cells.append(cell)
    })
  })
  scroll.append(cells)
  const ends = element("div", "ends")
  const bar = element("span", "bar")
  const stops = Array.from({ length: 9 }, (_, i) => colours[Math.round((255 * i) / 8)])
  bar.style.background = `linear-gradient(to right, ${stops.join(", ")})`
  ends.append(header.ends[0], bar, header.ends[1])
  return { scroll, ends, columns: header.columns.length, leads: header.leads, file: header.file }
}

// Only a link of the app changes the page without loading it anew, which would lose what is not in
// the address. It is there as soon as the server knows what was chosen.
function follow({ page, row_key, column_key }, row, column) {
  const leads = (link) => {
    const { pathname, searchParams } = new URL(link.href)
    const found = [searchParams.get(row_key), searchParams.get(column_key)].join()
    return pathname.endsWith(`/${page}`) && found === `${row},${column}`
  }
  const go = () => {
    const link = [...document.querySelectorAll("a[href]")].find(leads)
    link?.click()
    return Boolean(link)
  }
  if (go()) return
  const watcher = new MutationObserver(() => go() && watcher.disconnect())
  watcher.observe(document.body, { subtree: true, childList: true, attributeFilter: ["href"] })
}

function columnOf(label) {
  const column = element("div", "column")
  const space = label.indexOf(" ")
  if (space > 0) column.append(element("small", "", label.slice(0, space)))
  column.append(element("span", "", label.slice(space + 1)))
  return column
}

function written(value) {
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2
  return value.toFixed(digits).replace("-", "−")
}
