// Where everything lies. "Along" is the way of the path, to the right or, where it is narrow, down;
// "across" is the other way, in which the tokens lie side by side.
const DOWN_BELOW = 900 // pixels of the window
const LEAST_WIDTH = 730 // of a picture that runs to the right
const LABELS = 46
const BELOW = 92 // under the lanes: what each block adds
const LEAST_PITCH = 25 // a token can be touched
const WIDEST_PITCH = 36
const LEAST_HEIGHT = 330
const COLUMNS = {
  wide: { tokens: 128, embeddings: 118, norm: 100, logits: 104, probabilities: 230 },
  narrow: { tokens: 104, embeddings: 92, norm: 84, logits: 58, probabilities: 184 },
  squeezed: { tokens: 112, embeddings: 86, norm: 46, logits: 50, probabilities: 206 }, // a stage is open
  tight: { tokens: 94, embeddings: 82, norm: 44, logits: 48, probabilities: 164 },
  small: { tokens: 72, embeddings: 100, norm: 92, logits: 66, probabilities: 120 },
  tiny: { tokens: 4, embeddings: 60, norm: 40, logits: 40, probabilities: 4 }, // no words beside them
}
const BLOCKS_AT_LEAST = 206
const OPEN_STAGE = 360
const straight = (along, across) => [along, across]
const turned = (along, across) => [across, along]
const ORDER = ["tokens", "embeddings", "blocks", "norm", "logits", "probabilities"]

// `open` is how high the open stage is for a width, and in which column it lies; or null.
export function layout(data, width, free, open, bar) {
  if (data.size === "small") return smallLayout(data, width)
  return runsDown(width) ? downwards(data, width, open, bar) : rightwards(data, width, free, open, bar)
}

export function runsDown(width) {
  return window.innerWidth < DOWN_BELOW || width < LEAST_WIDTH
}

function smallLayout(data, width) {
  const wraps = width < 660
  const top = wraps ? 56 : 26
  const place = columns(width, wraps ? COLUMNS.tiny : COLUMNS.small, null)
  const lanes = chosenLanes(data, data.tokens.length, 40 / data.tokens.length, top + 2)
  return { down: false, wraps, width, height: top + 44, place, lanes, top, at: straight }
}

function rightwards(data, width, free, open, bar) {
  const shares = open ? (width < 1000 ? COLUMNS.tight : COLUMNS.squeezed) : width < 900 ? COLUMNS.narrow : COLUMNS.wide
  const place = columns(width, shares, open)
  const top = LABELS + bar
  const region = open && { x: place[open.column].from, y: top, bar: 0, width: place[open.column].width }
  const room = Math.max(LEAST_HEIGHT, free) - LABELS - BELOW - 2
  const count = Math.min(data.tokens.length, Math.floor(room / LEAST_PITCH))
  const pitch = Math.min(WIDEST_PITCH, room / count)
  // Ten candidates need their height, too, however few tokens there are.
  const foot = top + 8 + Math.max(count * pitch, Math.min(room, 250))
  const lanes = chosenLanes(data, count, pitch, (top + 8 + foot - count * pitch) / 2)
  const body = foot - top + BELOW - 8
  if (region) region.height = Math.max(open.height(region.width), body)
  const height = top + Math.max(body, region?.height ?? 0) + 2
  return { down: false, width, height, place, lanes, top, foot, region, bar: LABELS, at: straight }
}

function columns(width, shares, open) {
  const wanted = { ...shares }
  const rest = () => width - Object.values(wanted).reduce((a, b) => a + b)
  if (open && open.column !== "blocks") {
    wanted[open.column] += Math.max(0, Math.min(OPEN_STAGE - wanted[open.column], rest() - BLOCKS_AT_LEAST))
  }
  const found = {}
  let from = 0
  for (const name of ORDER) {
    const size = name === "blocks" ? rest() : wanted[name]
    found[name] = { from, width: size, to: from + size }
    from += size
  }
  return found
}

function downwards(data, width, open, bar) {
  const [left, right] = [34, 64] // beside the blocks: their numbers, and what they add
  const room = width - left - right
  const count = Math.min(data.tokens.length, Math.max(3, Math.floor(room / 60)))
  const lanes = chosenLanes(data, count, Math.min(90, room / count), left)
  const hides = count < data.count
  const rows = data.top.length + (data.came ? 2 : 0)
  const blocks = Math.max(1, data.attn.length)
  const sizes = {
    tokens: 34 + 44 + (hides ? 30 : 4),
    embeddings: 34 + 34,
    blocks: 34 + Math.min(44, Math.max(20, 264 / blocks)) * blocks,
    norm: 34 + 20,
    logits: 34 + 24,
    probabilities: 34 + 28 * rows + 8,
  }
  let region = null
  const place = {}
  let from = 0
  for (const name of ORDER) {
    place[name] = { from, label: from, body: from + 34, to: from + sizes[name] }
    if (open?.column === name) {
      region = { x: 1, y: from + 34, bar, width: width - 2, height: bar + open.height(width - 2) }
      place[name].to = region.y + region.height
    }
    from = place[name].to
  }
  return {
    down: true,
    width,
    height: from,
    place,
    lanes,
    left,
    right,
    region,
    bar: region ? region.y + 6 : 0,
    at: turned,
  }
}

// As many lanes as have room, with the chosen token among them and, if there are any, one or two
// that come after it.
function chosenLanes(data, count, pitch, start) {
  const { chosen, tokens } = data
  const after = Math.min(tokens.length - 1 - chosen, count > 4 ? 2 : 1)
  const first = Math.max(0, Math.min(chosen + after + 1 - count, tokens.length - count))
  return {
    pitch,
    start,
    shown: tokens.map((_, lane) => lane).slice(first, first + count),
    across: (lane) => start + (lane - first + 0.5) * pitch,
    end: start + count * pitch,
    earlier: data.positions[first],
    later: data.count - 1 - data.positions[first + count - 1],
  }
}
