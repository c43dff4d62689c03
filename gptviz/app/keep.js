// Pictures that can be saved. What saves them, save.js, is sent once a page and not with each.
let serve = null
const waiting = new Set()

// Lets a reader save what is drawn in an element, as a file of a name.
export function offerToSave(root, file) {
  root.dataset.file = file
  if (serve) serve(root)
  else waiting.add(root)
}

export function serveWith(givesButtons) {
  serve = givesButtons
  waiting.forEach(givesButtons)
  waiting.clear()
}
