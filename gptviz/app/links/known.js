// The links to all pages, for pictures that lead to one of them, too.
export const CHANGED = "gptviz-links" // what the window hears when they lead elsewhere

let root = null

export function know(drawn) {
  root = drawn
  dispatchEvent(new Event(CHANGED))
}

export const links = () => (root?.isConnected ? [...root.querySelectorAll("a")] : [])
