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
    this.isSeen = isSeen
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
      scores: penalised, // by id
      order,
      plain,
      kept,
      reached: sum(candidates, 0, kept), // of what top-p chose from
      probabilities,
      entropy: entropy(probabilities),
      removed: [
        { rule: "temperature", from: all, to: V },
        { rule: "top_k", from: afterK, to: all },
        { rule: "top_p", from: kept, to: afterK },
      ].map((stretch) => ({ ...stretch, mass: sum(plain, stretch.from, stretch.to) })),
    }
  }

  // What became of one token in an outcome of `apply`: the rule that removed it, or none; its rank
  // among all, of which `kept` are kept, the likeliest first, from 1.
  fate(id, { order, scores, kept, reached, probabilities, removed }) {
    const place = order.indexOf(id)
    const { rule } = removed.find(({ from, to }) => place >= from && place < to) ?? { rule: "" }
    let rank = place
    while (rank > 0 && scores[order[rank - 1]] === scores[id]) rank-- // equals share a place
    return {
      rule,
      rank: rank + 1,
      kept,
      reached,
      probability: rule ? 0 : probabilities[place],
      logit: this.logits[id],
      score: scores[id],
      repeated: this.isSeen[id] === 1,
    }
  }

  // What the penalty alone did: how many scores it lowered, how many probabilities fell and rose.
  effect({ scores }) {
    const top = this.logits[this.rawOrder[0]]
    const share = (score) => Math.exp(score - top)
    let before = 0
    for (const score of this.logits) before += share(score)
    let after = before
    for (const id of this.seen) after += share(scores[id]) - share(this.logits[id])
    const changes = this.seen.map((id) => share(scores[id]) / after - share(this.logits[id]) / before)
    const others = this.unseen.reduce((n, id) => n + (this.logits[id] > -Infinity), 0)
    return {
      lowered: this.seen.filter((id) => scores[id] < this.logits[id]).length,
      fell: changes.filter((change) => change < 0).length,
      rose: changes.filter((change) => change > 0).length + (after < before ? others : 0),
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
