// gptviz/sampling.py once more, for the browser: the same stages in the same order, rounded to
// float32 where PyTorch rounds, so that what a drag shows is what the server draws from.
// Tokens are kept in one order, likeliest first, so each rule removes a stretch of ranks.

export class Distribution {
  // logits: a Float32Array with one number for each token; seen: the ids that were read so far
  constructor(logits, seen) {
    const V = logits.length
    this.logits = logits
    this.seen = [...new Set(seen)]
    const isSeen = new Uint8Array(V)
    for (const id of this.seen) isSeen[id] = 1
    this.rawOrder = Uint32Array.from(logits.keys()).sort(byFalling(logits))
    this.unseen = this.rawOrder.filter((id) => !isSeen[id])
    this.raw = new Float64Array(V) // by id: the model's own probabilities
    this.rawCumulative = new Float64Array(V) // by rank in rawOrder
    const raw = softmax(gather(logits, this.rawOrder), V)
    let total = 0
    raw.forEach((probability, rank) => {
      this.raw[this.rawOrder[rank]] = probability
      this.rawCumulative[rank] = total += probability
    })
  }

  // settings: temperature, top_k (0 is off), top_p and repetition_penalty
  apply(settings) {
    const V = this.logits.length
    const penalised = this.penalise(Math.fround(settings.repetition_penalty))
    const order = this.orderOf(penalised)
    const scores = gather(penalised, order)
    const all = settings.temperature === 0 ? 1 : V
    const temperature = Math.fround(settings.temperature)
    if (all > 1) for (let rank = 0; rank < V; rank++) scores[rank] /= temperature
    const plain = softmax(scores, V) // after temperature, before anything is removed
    const k = settings.top_k || V
    let afterK = Math.min(all, k)
    while (afterK < all && scores[afterK] === scores[k - 1]) afterK++ // ties stay
    while (scores[afterK - 1] === -Infinity) afterK--
    const candidates = softmax(scores, afterK)
    const kept = settings.top_p === 1 ? afterK : reach(candidates, settings.top_p)
    const probabilities = softmax(scores, kept) // by rank; what is drawn from
    return {
      order,
      plain,
      kept,
      probabilities,
      entropy: entropy(probabilities),
      removed: [
        { rule: "temperature", from: all, to: V },
        { rule: "top_k", from: afterK, to: all },
        { rule: "top_p", from: kept, to: afterK },
      ].map((stretch) => ({ ...stretch, mass: sum(plain, stretch.from, stretch.to) })),
    }
  }

  penalise(penalty) {
    if (penalty === 1) return this.logits
    const scores = this.logits.slice()
    for (const id of this.seen) scores[id] = scores[id] > 0 ? scores[id] / penalty : scores[id] * penalty
    return scores
  }

  // Only seen tokens have changed, so they are merged into the others' order.
  orderOf(scores) {
    if (scores === this.logits) return this.rawOrder
    const before = byFalling(scores)
    const seen = Uint32Array.from(this.seen).sort(before)
    const order = new Uint32Array(scores.length)
    for (let rank = 0, u = 0, s = 0; rank < order.length; rank++) {
      const takeSeen = u === this.unseen.length || (s < seen.length && before(seen[s], this.unseen[u]) < 0)
      order[rank] = takeSeen ? seen[s++] : this.unseen[u++]
    }
    return order
  }
}

export function entropy(probabilities) {
  let nats = 0
  for (const p of probabilities) if (p > 0) nats -= p * Math.log(p)
  return nats
}

// The likeliest first; of equals, the lower id.
function byFalling(scores) {
  return (a, b) => (scores[a] === scores[b] ? a - b : scores[b] - scores[a])
}

function gather(values, ids) {
  const found = new Float32Array(ids.length)
  for (let i = 0; i < ids.length; i++) found[i] = values[ids[i]]
  return found
}

// Of the first n scores, which fall; in float64.
function softmax(scores, n) {
  const found = new Float64Array(n)
  let total = 0
  for (let i = 0; i < n; i++) total += found[i] = Math.exp(scores[i] - scores[0])
  for (let i = 0; i < n; i++) found[i] /= total
  return found
}

// How many of the likeliest it takes until they reach p together; at least one.
function reach(probabilities, p) {
  let total = probabilities[0]
  let n = 1
  while (n < probabilities.length) {
    const after = total + probabilities[n]
    if (after - probabilities[n] >= p) break
    total = after
    n++
  }
  return n
}

function sum(values, from, to) {
  let total = 0
  for (let i = from; i < to; i++) total += values[i]
  return total
}
