"""Do it by hand: the numbers that are given, each result, and what the model has in its place."""

import math
from collections.abc import Iterable
from functools import partial
from typing import Any

import numpy as np

from accounts.common import Models, Read, chips
from accounts.reference import Reference, log_softmax

AT, LAYER, HEAD = 7, 1, 2
Step = tuple[list[float], float, float]  # what is written before it, its result, the model's own


def shown(number: float, decimals: int | None = None) -> float:
    """A number as it is given to the next step: three decimals, or more for four digits."""
    if decimals is None:
        decimals = decimals_of(number)
    return float(f"{number:.{decimals}f}")


def decimals_of(number: float) -> int:
    return 3 if not number else min(max(3 - math.floor(math.log10(abs(number))), 3), 12)


def drawn(values: np.ndarray, least: float) -> int:
    """The exercise of seed 0: one of the values that reach the least."""
    there = np.flatnonzero(values >= least).tolist() or [int(values.argmax())]
    return int(np.random.default_rng(0).choice(there))


def softmax(values: np.ndarray, chosen: int, own: float) -> list[Step]:
    """e to a number less the largest, and its share of the sum."""
    best = int(values.argmax())
    top = own if chosen == best else shown(values[best])
    powers = np.exp(values - values[best])
    power = math.exp(own - top)
    others = np.sort(np.delete(powers, chosen))[::-1]
    parts = [shown(part) for part in others[:3]] + [shown(others[3:].sum())]
    share = shown(power) / (shown(power) + sum(parts))
    return [
        ([own, top], power, powers[chosen]),
        ([shown(power), shown(power), *parts], share, powers[chosen] / powers.sum()),
    ]


def attention(ref: Reference) -> tuple[list[float], list[Step], str, dict[str, Any]]:
    at = f"h.{LAYER}.attn"
    q, k = (ref.x[f"{at}.{name}"][HEAD] for name in "qk")
    key = drawn(ref.patterns[LAYER, HEAD, AT, : AT + 1], 0.02)
    products = q[AT] * k[key]
    order = np.argsort(-np.abs(products))
    parts = [shown(products[i]) for i in order[:4]] + [shown(products[order[4:]].sum())]
    fit, root = sum(parts), shown(math.sqrt(ref.d))
    row = (k[: AT + 1] @ q[AT]) / math.sqrt(ref.d)
    score = shown(fit) / root
    steps = [
        ([parts[0], *map(abs, parts[1:])], fit, products.sum()),  # a + b − c
        ([shown(fit), ref.d, shown(fit), root], score, row[key]),
        *softmax(row, key, shown(score)),
    ]
    given = {"q": q[AT], "k": k[key], "q × k": products}
    table = {name: [(values[i],) for i in order[:4]] for name, values in given.items()}
    table["q × k"].append((parts[-1],))
    intro = [AT, key, LAYER, HEAD, 0, 1]
    return (
        intro,
        steps,
        f"{at}.pattern[{HEAD}, {AT}, {key}]",
        table | {"dimension": [*(str(i) for i in order[:4]), (1,)]},
    )


def layer_norm(ref: Reference) -> tuple[list[float], list[Step], str, dict[str, Any]]:
    x, n = ref.x[f"h.{LAYER - 1}"][AT], ref.C
    centred, variance = x - x.mean(), x.var()
    entry = drawn(np.abs(centred), 0.5 * math.sqrt(variance))
    fine = decimals_of(math.sqrt(variance + 1e-5))
    total, squares = shown(x.sum()), shown((centred**2).sum())
    mean, spread = total / n, squares / n
    root = math.sqrt(shown(spread) + 1e-5)
    own = shown(x[entry], fine)
    normalized = (own - shown(mean, fine)) / shown(root)
    norm = f"h.{LAYER}.ln_1"
    gamma, beta = (shown(ref.weight(f"{norm}.{name}")[entry]) for name in ("weight", "bias"))
    result = shown(normalized) * gamma + beta
    exact = centred[entry] / math.sqrt(variance + 1e-5)
    steps: list[Step] = [
        ([total, n], mean, x.mean()),
        ([squares, n], spread, variance),
        ([shown(spread), 1e-5], root, math.sqrt(variance + 1e-5)),
        ([own, shown(mean, fine), shown(root)], normalized, exact),
        ([shown(normalized), gamma, beta], result, ref.x[norm][AT, entry]),
    ]
    return [AT, LAYER], steps, f"{norm}[{AT}, {entry}]", {}


def gelu(ref: Reference) -> tuple[list[float], list[Step], str, dict[str, Any]]:
    at = f"h.{LAYER}.mlp"
    pre = ref.x[f"{at}.pre"][AT]
    size = np.abs(pre)
    unit = drawn(np.where(size <= 2, size, -size), 0.2)
    x, exact = shown(pre[unit]), pre[unit]
    inner = x + 0.044715 * x**3
    u = shown(inner) * 0.7979
    tanh = math.tanh(shown(u))
    result = 0.5 * x * (1 + shown(tanh))
    own = exact + 0.044715 * exact**3
    own_u = math.sqrt(2 / math.pi) * own
    steps: list[Step] = [
        ([0.044715, x], inner, own),
        ([0.7979, shown(inner)], u, own_u),
        ([shown(u)], tanh, math.tanh(own_u)),
        ([0.5, x, 1, shown(tanh)], result, ref.x[f"{at}.act"][AT, unit]),
    ]
    return [unit, LAYER, AT], steps, f"{at}.act[{AT}, {unit}]", {}


def next_token(ref: Reference) -> tuple[list[float], list[Step], str, dict[str, Any]]:
    logits = ref.x["logits"][AT]
    scaled = logits / 0.8
    token = drawn(np.exp(log_softmax(scaled)), 0.02)
    logit = shown(logits[token], 4)
    divided = logit / 0.8
    steps = [([logit, 0.8], divided, scaled[token]), *softmax(scaled, token, shown(divided))]
    return [AT, 0.8], steps, f"softmax(logits[{AT}] / 0.8)[{token}]", {}


def loss(ref: Reference) -> tuple[list[float], list[Step], str, dict[str, Any]]:
    nats = -ref.log_p[range(ref.T - 1), ref.ids[1:]]
    own, n = nats[AT - 1], len(nats)
    p, others = shown(math.exp(-own)), shown(nats.sum() - own)
    first = -math.log(p)
    mean = (shown(first) + others) / n
    steps: list[Step] = [
        ([p], first, own),
        ([shown(first), others, n], mean, nats.mean()),
        ([shown(mean)], math.exp(shown(mean)), math.exp(nats.mean())),
    ]
    return [AT], steps, "−ln softmax(logits)", {}


def lines(steps: Iterable[Step], tab: str) -> list[float]:
    """All that stands in the list of what was found."""
    found: list[float] = []
    for i, (given, answer, _) in enumerate(steps, start=1):
        x_comes_last = tab == "gelu" and i == 1
        found += [i, given[0], answer, given[1]] if x_comes_last else [i, *given, answer]
    return found


TABS = {
    "attention": (attention, "How much does token"),
    "layer-norm": (layer_norm, "is a long list of numbers"),
    "gelu": (gelu, "has a value for token"),
    "softmax": (next_token, "How likely is"),
    "cross-entropy": (loss, "How wrong was the model"),
}


def look(read: Read, models: Models, tab: str) -> None:
    """One exercise, with all its steps shown."""
    ref = models.ref
    exercise, words = TABS[tab]
    intro, steps, tensor, table = exercise(ref)
    page = read(
        "by_hand",
        [f"by_hand_{tab}"],
        ["Show me"] * len(steps),
        **{"tab": tab, "layer": LAYER, "head": HEAD, "position": AT},
    )
    places = chips("position_chips", ref.T, AT) | {
        "layer": [0, ref.L - 1, LAYER],
        "head": [0, ref.H - 1, HEAD],
        f"by_hand_{tab}_table.answer": [shown(answer) for _, answer, _ in steps],
        f"by_hand_{tab}_table.model": [own for _, _, own in steps],
        **{f"table.{column}": values for column, values in table.items()},
    }
    said = [
        (words, *intro),
        ("rounds nothing on the way", steps[-1][2]),
        ("decimal comma is fine", 0.312, 12.3, tensor),
        ("{}. ", *lines(steps, tab)),
    ]
    page.holds(ref.around(AT), (said, places))


VIEWS = {tab: partial(look, tab=tab) for tab in TABS}
