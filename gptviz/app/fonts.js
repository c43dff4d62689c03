// The fonts of a picture, so that it looks the same where they are not installed.

// The rules for the fonts of some families, with the fonts themselves in them.
export async function fonts(families) {
  const used = [...families].join()
  const rules = [...document.styleSheets].flatMap((sheet) => [...sheet.cssRules])
  const wanted = rules.filter(
    ({ constructor, style }) =>
      constructor === CSSFontFaceRule &&
      used.includes(style.getPropertyValue("font-family").replaceAll('"', "")) &&
      style.getPropertyValue("font-style") !== "italic",
  )
  return (await Promise.all(wanted.map(withFont))).join("\n")
}

async function withFont(rule) {
  const [, address] = rule.cssText.match(/url\("?([^")]+)"?\)/) ?? []
  if (!address) return ""
  try {
    const answer = await fetch(new URL(address, rule.parentStyleSheet.href ?? document.baseURI))
    const bytes = new Uint8Array(await answer.arrayBuffer())
    const letters = Array.from(bytes, (byte) => String.fromCharCode(byte)).join("")
    return rule.cssText.replace(address, `data:font/woff2;base64,${btoa(letters)}`)
  } catch {
    return "" // the server is gone: the texts keep their widths in another font
  }
}
