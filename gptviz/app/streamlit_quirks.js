// What the browser's side of Streamlit has no setting for. Runs once a visit: from the page that the
// `gptviz` command sends, before Streamlit starts, or else (`streamlit run`) from the first component.
// It leans on how Streamlit is made inside; streamlit_quirks.py says on what.
;(() => {
  if (globalThis.gptviz) return
  const THEME = "gptviz-theme" // light or dark; without it, the system's
  const FOLDED = "stSidebarCollapsed-" // where Streamlit keeps whether its sidebar is closed
  const FOLDED_BY_US = "gptviz-folded"
  const FOLD_BELOW = 1100 // pixels, as in the style sheet
  const BACKGROUNDS = { light: "#ffffff", dark: "#0e1117" } // until Streamlit has drawn its own

  // Storage may be forbidden; then a choice holds until the reload.
  const kept = new Map()
  const read = (key) => {
    try {
      return localStorage.getItem(key)
    } catch {
      return kept.get(key) ?? null
    }
  }
  const keep = (key, value) => {
    try {
      if (value === null) localStorage.removeItem(key)
      else localStorage.setItem(key, value)
    } catch {
      kept.set(key, value)
    }
  }

  // Streamlit follows the system, so the reader's choice is told to it as the system's.
  const askSystem = window.matchMedia.bind(window)
  const theme = () => (["light", "dark"].includes(read(THEME)) ? read(THEME) : "system")
  window.matchMedia = (query) => {
    const list = askSystem(query)
    const asked = /prefers-color-scheme:\s*(light|dark)/.exec(query)?.[1]
    if (!asked) return list
    const system = Object.getOwnPropertyDescriptor(MediaQueryList.prototype, "matches").get.bind(list)
    Object.defineProperty(list, "matches", { get: () => (theme() === "system" ? system() : theme() === asked) })
    return list
  }
  const paint = () => {
    const shown = window.matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light"
    document.documentElement.style.backgroundColor = BACKGROUNDS[shown]
    window.dispatchEvent(new Event("afterprint")) // after which Streamlit asks for the system's theme again
    window.dispatchEvent(new Event("gptviz-theme"))
  }
  const choose = (wanted) => {
    keep(THEME, wanted === "system" ? null : wanted)
    paint()
  }
  addEventListener("storage", (event) => event.key === THEME && paint())
  paint()

  // The sidebar is closed on a narrow screen, and open again on a wide one.
  let narrow = false
  const fold = () => {
    if (innerWidth < FOLD_BELOW === narrow) return
    narrow = !narrow
    keep(FOLDED, narrow ? "true" : null)
    keep(FOLDED_BY_US, narrow ? "true" : null)
  }
  if (read(FOLDED_BY_US) && innerWidth >= FOLD_BELOW) narrow = true
  fold()
  addEventListener("resize", fold)
  // There, whoever has chosen a page wants to see it.
  addEventListener("click", (event) => {
    if (!narrow || !event.target.closest?.('[data-testid="stSidebar"] a[href]')) return
    document.querySelector('[data-testid="stSidebarCollapseButton"] button')?.click()
  })

  // Half a surrogate pair is no character: Streamlit's server could not read the message that holds
  // one. React hears of a change only where the value is set as the browser itself sets it.
  addEventListener(
    "input",
    ({ target }) => {
      if (!(target instanceof HTMLInputElement || target instanceof HTMLTextAreaElement)) return
      const whole = target.value.replace(/\p{Surrogate}/gu, "\uFFFD")
      if (whole === target.value) return
      const { selectionStart, selectionEnd } = target
      Object.getOwnPropertyDescriptor(Object.getPrototypeOf(target), "value").set.call(target, whole)
      target.setSelectionRange(selectionStart, selectionEnd)
    },
    true,
  )

  // Streamlit makes a step of the way back of each change of the address. Only a page is one.
  const step = history.pushState.bind(history)
  history.pushState = (state, title, to) => {
    const stays = new URL(to ?? "", location.href).pathname === location.pathname
    if (stays) history.replaceState(state, title, to)
    else step(state, title, to)
  }

  // Where the server is: else Streamlit looks for it below the page's own path first, in vain.
  const pages = document.currentScript?.dataset.pages
  if (pages) {
    const path = location.pathname.replace(new RegExp(`(?<=/)(${pages})$`), "")
    Object.assign(window, { __streamlit: { BACKEND_BASE_URL: location.origin + path } })
  }

  // Without its websocket, a page of Streamlit stays blank. Why, the server says where it is asked.
  const STREAM = /\/_stcore\/stream$/
  const told = document.createElement("div")
  told.setAttribute("role", "alert")
  told.style.cssText =
    "position: fixed; inset: 0; z-index: 10000000; display: grid; place-content: center; padding: 1rem;" +
    "font: 1.2rem/1.5 sans-serif; background: Canvas; color: CanvasText; overflow-wrap: anywhere"
  const words = told.appendChild(document.createElement("p"))
  words.style.maxWidth = "36rem"
  let failures = 0
  const ask = async (url) => {
    const asked = ++failures
    const answer = await fetch(url.replace(/^ws/, "http"), { method: "POST" }).catch(() => null)
    // A server that has just come back lets the next websocket in.
    const known = [403, 421].includes(answer?.status) || (answer?.status === 426 && asked > 1)
    if (!known || failures !== asked) return
    words.textContent = await answer.text()
    told.style.colorScheme = window.matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light"
    document.body.append(told)
  }
  window.WebSocket = class extends WebSocket {
    constructor(...address) {
      super(...address)
      if (!STREAM.test(new URL(this.url).pathname)) return
      const failed = () => ask(this.url)
      this.addEventListener("close", failed)
      this.addEventListener("open", () => {
        this.removeEventListener("close", failed)
        failures = 0
        told.remove()
      })
    }
  }

  globalThis.gptviz = { theme, choose }

  // Streamlit goes to the heading of an address before the page's style has moved it; so go there
  // until the page stands still, or the reader does something.
  const heading = location.hash.slice(1)
  if (heading) {
    const timer = setInterval(() => document.getElementById(heading)?.scrollIntoView(), 100)
    const stop = () => clearInterval(timer)
    for (const kind of ["wheel", "pointerdown", "keydown", "touchstart"]) addEventListener(kind, stop, { once: true })
    setTimeout(stop, 5000)
  }
})()
