// gptviz/sampling.py once more, for the browser: the same stages in the same order, rounded to
// float32 where PyTorch rounds, so that what a drag shows is what the server draws from.
// Tokens are kept in one order, likeliest first, so each rule removes stretches of ranks. What
// n-grams forbid stands at the end of that order.

export class Distribution {
  // logits: a Float32Array with one number for each token; read: the ids that were read so far
  constructor(logits, read) {
    const V = logits.length
    this.logits = logits
    this.read = [...read]
    this.seen = [...new Set(read)]
    const isSeen = new Uint8Array(V)
    for (const id of this.seen) isSeen[id] = 1
    this.rawOrder = Uint32Array.from(logits.keys()).sort(byFalling(logits))
    this.unseen = this.rawOrder.filter((id) => !isSeen[id])
    this.raw = new Float64Array(V) // by id: the model's own probabilities
    this.rawCumulative = new Float64Array(V) // by rank in rawOrder
    this.isSeen = isSeen
    const raw = softmax(gather(logits, this.rawOrder), 0, V)
    let total = 0
    raw.forEach((probability, rank) => {
      this.raw[this.rawOrder[rank]] = probability
      this.rawCumulative[rank] = total += probability
    })
  }

  // settings: those of gptviz.sampling; top_k 0 is off
  apply(settings) {
    const V = this.logits.length
    const penalised = this.penalise(Math.fround(settings.repetition_penalty))
    const forbidden = this.forbidden(settings.no_repeat_ngram_size)
    const order = this.orderOf(penalised, forbidden)
    const free = V - forbidden.size
    const mass = forbidden.size > 0 ? shareOf(forbidden, penalised) : 0 // before the temperature
    const scores = gather(penalised, order)
    const all = settings.temperature === 0 ? 1 : free
    const temperature = Math.fround(settings.temperature)
    if (all > 1) for (let rank = 0; rank < free; rank++) scores[rank] /= temperature
    // After temperature, before anything else is removed.
    const plain = softmax(scores, 0, free).map((share) => share * (1 - mass))
    const k = settings.top_k || V
    let afterK = Math.min(all, k)
    while (afterK < all && scores[afterK] === scores[k - 1]) afterK++ // ties stay
    while (scores[afterK - 1] === -Infinity) afterK--
    const candidates = softmax(scores, 0, afterK)
    const afterP = settings.top_p === 1 ? afterK : reach(candidates, settings.top_p)
    const afterMin = settings.min_p === 0 ? afterP : likelyEnough(scores, afterP, settings.min_p)
    const [first, last] = settings.typical_p === 1 ? [0, afterMin] : typical(scores, afterMin, settings.typical_p)
    const probabilities = softmax(scores, first, last) // of rank first and on; what is drawn from
    return {
      scores: penalised, // by id
      order,
      plain,
      first, // the rank of the likeliest one that is kept
      kept: last - first,
      reached: sum(candidates, 0, afterP), // of what top-p chose from
      probabilities,
      entropy: entropy(probabilities),
      removed: [
        { rule: "no_repeat_ngram_size", from: free, to: V, mass },
        ...[
          { rule: "temperature", from: all, to: free },
          { rule: "top_k", from: afterK, to: all },
          { rule: "top_p", from: afterP, to: afterK },
          { rule: "min_p", from: afterMin, to: afterP },
          { rule: "typical_p", from: 0, to: first },
          { rule: "typical_p", from: last, to: afterMin },
        ].map((stretch) => ({ ...stretch, mass: sum(plain, stretch.from, stretch.to) })),
      ],
    }
  }

  // What became of one token in an outcome of `apply`: the rule that removed it, or none; its rank,
  // the likeliest first, from 1, among those that are kept if it is one of them, or else among all.
  fate(id, { order, scores, first, kept, reached, probabilities, removed }) {
    const place = order.indexOf(id)
    const { rule } = removed.find(({ from, to }) => place >= from && place < to) ?? { rule: "" }
    let rank = place
    while (rank > 0 && scores[order[rank - 1]] === scores[id]) rank-- // equals share a place
    return {
      rule,
      rank: rank + 1 - (rule ? 0 : first),
      kept,
      tooLikely: rule === "typical_p" && place < first,
      reached,
      probability: rule ? 0 : probabilities[place - first],
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

  // The tokens that would end a stretch of `size` tokens which was there before; none, if nothing
  // else were left.
  forbidden(size) {
    const found = new Set()
    if (size === 0 || size > this.read.length) return found
    const end = this.read.length - size + 1
    for (let i = 0; i < end; i++) {
      let j = 0
      while (j < size - 1 && this.read[i + j] === this.read[end + j]) j++
      if (j === size - 1) found.add(this.read[i + size - 1])
    }
    const isLeft = this.logits.some((score, id) => score > -Infinity && !found.has(id))
    return isLeft ? found : new Set()
  }

  // Those that are forbidden come last.
  orderOf(scores, forbidden) {
    const order = this.byScore(scores)
    if (forbidden.size === 0) return order
    const last = order.filter((id) => forbidden.has(id))
    const sorted = new Uint32Array(order.length)
    sorted.set(order.filter((id) => !forbidden.has(id)))
    sorted.set(last, order.length - last.length)
    return sorted
  }

  // Only seen tokens have changed, so they are merged into the others' order.
  byScore(scores) {
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

// Of a stretch of scores, which fall; in float64.
function softmax(scores, from, to) {
  const found = new Float64Array(to - from)
  let total = 0
  for (let i = 0; i < found.length; i++) total += found[i] = Math.exp(scores[from + i] - scores[from])
  for (let i = 0; i < found.length; i++) found[i] /= total
  return found
}

// The probability of some tokens together, with the scores of all by id.
function shareOf(ids, scores) {
  let top = -Infinity
  for (const score of scores) top = Math.max(top, score)
  let all = 0
  let own = 0
  for (const score of scores) all += Math.exp(score - top)
  for (const id of ids) own += Math.exp(scores[id] - top)
  return own / all
}

// How many of the first n scores, which fall, are at least p times as likely as the first.
function likelyEnough(scores, n, p) {
  while (n > 1 && Math.exp(scores[n - 1] - scores[0]) < p) n--
  return n
}

// Which stretch of the first n scores, which fall, is left of locally typical sampling: those whose
// surprise is nearest to the entropy, until they reach a mass together; ties stay.
function typical(scores, n, mass) {
  const p = softmax(scores, 0, n)
  const surprises = Float64Array.from(p, (_, i) => scores[0] - scores[i] - Math.log(p[0]))
  const expected = surprises.reduce((nats, surprise, i) => nats + (p[i] > 0 ? p[i] * surprise : 0), 0)
  const distance = (i) => Math.abs(surprises[i] - expected)
  let to = 0
  while (to < n - 1 && surprises[to] < expected) to++
  let from = to
  let reached = 0
  let farthest = 0
  const takes = (i) => {
    farthest = distance(i)
    reached += p[i]
  }
  while (from > 0 || to < n) {
    if (reached >= mass) break
    if (to === n || (from > 0 && distance(from - 1) <= distance(to))) takes(--from)
    else takes(to++)
  }
  while (from > 0 && distance(from - 1) <= farthest) from--
  while (to < n && distance(to) <= farthest) to++
  return [from, to]
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
