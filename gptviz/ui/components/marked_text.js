// A text in pieces, some of them marked. All text is set with textContent.
export default function ({ data, parentElement }) {
  const parts = data.map(([text, marked]) => {
    const part = document.createElement(marked ? "mark" : "span")
    part.textContent = text
    return part
  })
  parentElement.querySelector(".text").replaceChildren(...parts)
}
