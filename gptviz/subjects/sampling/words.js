// How numbers and rules are said, and why a token could be drawn or not.
export const USUAL = ["temperature", "top_k", "top_p", "repetition_penalty"]
export const MORE = ["min_p", "typical_p", "no_repeat_ngram_size"]
export const NAMES = [...USUAL, ...MORE]
export const LABELS = {
  temperature: "temperature",
  top_k: "top-k",
  top_p: "top-p",
  repetition_penalty: "repetition penalty",
  min_p: "min-p",
  typical_p: "typical",
  no_repeat_ngram_size: "no-repeat n-grams",
}
export const SHORT = { ...LABELS, temperature: "greedy", no_repeat_ngram_size: "no-repeat" }
const COUNTS = new Set(["top_k", "no_repeat_ngram_size"])
const OFF = {
  temperature: 1,
  top_k: 0,
  top_p: 1,
  repetition_penalty: 1,
  min_p: 0,
  typical_p: 1,
  no_repeat_ngram_size: 0,
}

export function shownSetting(name, value) {
  if (name === "temperature") return value === 0 ? "0 (greedy)" : value.toFixed(2)
  if (value === OFF[name]) return "off"
  return COUNTS.has(name) ? count(value) : value.toFixed(2)
}

// As "temperature 0.80, top-k 40".
export function toldSettings(settings) {
  const told = rulesOn(settings).map((name) => `${LABELS[name]} ${shownSetting(name, settings[name])}`)
  return told.join(", ") || "all rules off"
}

// The rules that change something.
function rulesOn(settings) {
  return NAMES.filter((name) => settings[name] !== OFF[name])
}

// Why a token of the bars can be drawn or not; `Distribution.fate` tells what became of it.
export function whyInBars(fate, settings) {
  const reason = fate.rule ? whyRemoved(fate, settings) : whyKept(fate, settings)
  if (!fate.repeated || settings.repetition_penalty === 1) return reason
  const penalty = shownSetting("repetition_penalty", settings.repetition_penalty)
  return `${reason}. It is in the text already, so repetition penalty ${penalty} took its score from ${score(fate.logit)} to ${score(fate.score)}`
}

// Why a token of a text could be drawn; `token` is what `Written` in text_analysis.py holds.
export function whyWritten(token, settings) {
  const reason = `${whyKept(token, settings)} (the model's own: ${percent(token.before)})`
  if (!token.repeated || settings.repetition_penalty === 1) return reason
  const penalty = shownSetting("repetition_penalty", settings.repetition_penalty)
  return `${reason}. It was in the text already, so repetition penalty ${penalty} had lowered its score`
}

function whyKept({ rank, kept, probability }, settings) {
  if (settings.temperature === 0) return "kept: temperature 0 (greedy) always takes the likeliest, which this one is"
  const place = `kept: rank ${count(rank)} of ${count(kept)}, probability ${percent(probability)}`
  return rulesOn(settings).length > 0 ? `${place} after ${toldSettings(settings)}` : `${place}; no rule is on`
}

function whyRemoved({ rule, rank, kept, reached, tooLikely }, settings) {
  if (rule === "no_repeat_ngram_size")
    return `no-repeat n-grams removed it: the text would say ${settings[rule]} tokens in a row that it has said before`
  if (rule === "min_p")
    return `min-p ${settings.min_p.toFixed(2)} removed it: the likeliest token that is left is over ${(1 / settings.min_p).toFixed(1)} times as likely`
  if (rule === "typical_p")
    return `typical ${settings.typical_p.toFixed(2)} removed it: it would surprise ${tooLikely ? "less" : "more"} than is to be expected here`
  if (rule === "temperature")
    return `temperature 0 (greedy) removed it: it ranks ${ordinal(rank)}, and only the 1st stays`
  if (rule === "top_k") return `top-k ${count(settings.top_k)} removed it: it ranks ${ordinal(rank)}`
  const others = kept === 1 ? "the likelier one reaches" : `the ${count(kept)} likelier ones reach`
  return `top-p ${settings.top_p.toFixed(2)} removed it: ${others} ${percent(reached)} without it`
}

export function ordinal(n) {
  const teen = n % 100 > 10 && n % 100 < 14
  return `${count(n)}${(!teen && { 1: "st", 2: "nd", 3: "rd" }[n % 10]) || "th"}`
}

export function percent(share) {
  const shown = 100 * share
  if (shown > 0 && shown < 0.01) return "< 0.01 %"
  return `${shown.toFixed(shown < 1 ? 2 : 1)} %`
}

export function count(n) {
  return n.toLocaleString("en-US")
}

function score(value) {
  return value.toFixed(2).replace("-", "−")
}
