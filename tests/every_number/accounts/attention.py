"""The page Attention: patterns as they are drawn and sent, and what is made of them."""

import base64
import math
from functools import partial
from typing import Any

import numpy as np

from accounts.common import Expected, Models, Read
from accounts.reference import LETTERS, Reference, norm
from accounts.shown import Near

LAYER, HEAD, AT = 1, 2, 7
CHOSEN = {"layer": LAYER, "head": HEAD, "position": AT}


def places(pattern: np.ndarray, ref: Reference) -> dict[str, np.ndarray]:
    """How much heads (…, T, T) look at each place: a mean over the rows that have such a place."""
    T, ids = ref.T, np.array(ref.ids)
    below = np.tril(np.ones((T, T), bool), -1)
    after_copy = np.zeros((T, T), bool)
    after_copy[:, 1:] = ids[:, None] == ids[:-1]
    wanted = {
        "previous token": np.eye(T, k=-1, dtype=bool),
        "first token": below & (np.arange(T) == 0),
        "same token": below & (ids[:, None] == ids),
        "induction": below & after_copy,
        "sentence end": below & (ids == LETTERS.index(".")),
    }
    found = {"further back": pattern[..., -1, 1 : T - 2].max(-1)}
    for name, keys in wanted.items():
        rows = keys.any(-1)
        found[name] = (pattern * keys).sum(-1)[..., rows].mean(-1)
    return found


def alike(ref: Reference) -> np.ndarray:
    """A head that looks at all that it can see alike."""
    return np.tril(np.ones((ref.T, ref.T))) / np.arange(1, ref.T + 1)[:, None]


def square(key: str, weights: np.ndarray, chosen: int) -> dict[str, Any]:
    return {
        f"{key}.chosen": chosen,
        f"{key}.alt": [(len(weights),)],
        f"{key}.sent": np.nan_to_num(weights[np.tril_indices(len(weights))]),
    }


def table(key: str, weights: np.ndarray) -> dict[str, Any]:
    query, looked_at = np.tril_indices(len(weights))
    found = {"query": query, "key": looked_at, "weight": weights[query, looked_at]}
    return {f"{key}_table.{name}": values for name, values in found.items()}


def read_a_pattern(ref: Reference, *name: str, end: tuple = ()) -> tuple:
    return ("Each row is a token that looks, each column", *name, ref.T, ref.T, 0, 1, *end)


def above_the_tabs(ref: Reference, patterns: np.ndarray, painted: np.ndarray | None) -> Expected:
    """The sentence about the open head, and the picture of all heads."""
    own = ref.patterns
    scores = places(own, ref)
    chance = places(alike(ref), ref)
    if painted is not None:
        rows = painted.any(-1)
        scores["painted"], chance["painted"] = (
            (each * painted).sum(-1)[..., rows].mean(-1) for each in (own, alike(ref))
        )
    best = [name for name, found in scores.items() if found.argmax() == LAYER * ref.H + HEAD]
    if best:
        numbers = [n for name in best for n in (scores[name].max(), chance[name])]
        sentence: tuple = ("Of all heads", *numbers)
    else:
        row = own[LAYER, HEAD, AT]
        sentence = ("looks most at {}", AT, row.argmax(), row.max())
    shape = (ref.L, ref.H, ref.T, ref.T)
    pixels = patterns.transpose(0, 2, 1, 3)
    shown = {
        "attention_grid.layers": ref.L,
        "attention_grid.heads": ref.H,
        "attention_grid.size": ref.T,
        "attention_grid.chosen": [LAYER, HEAD],
        "attention_grid.alt": [(ref.L, ref.H)],
        "attention_grid.sent": Near(np.nan_to_num(pixels), 0.5 / 255 + 1e-6),
    }
    note = ((0,), (1, 0)) if (patterns[..., 0] == 0).any() else ((), ())
    return [sentence, ("One square a head: rows look", *note[0], *shape, *note[1])], shown


def one_head(ref: Reference, pattern: np.ndarray) -> Expected:
    said = [read_a_pattern(ref, f"h.{LAYER}.attn.pattern[{HEAD}]", end=(1,))]
    return said, square("pattern", pattern, AT) | table("pattern", pattern)


def lines(ref: Reference, pattern: np.ndarray) -> Expected:
    shown = {
        "attention_lines.positions": range(ref.T),
        "attention_lines.chosen": AT,
        "attention_lines.alt": [(ref.T,)],
        "attention_lines.weights": pattern[np.tril_indices(ref.T)],
        **table("lines", pattern),
    }
    return [("A line leads", f"h.{LAYER}.attn.pattern[{HEAD}]", ref.T, ref.T)], shown


def arithmetic(ref: Reference, pattern: np.ndarray) -> Expected:
    at, T, d = f"h.{LAYER}.attn", ref.T, ref.d
    q, k, v = (ref.x[f"{at}.{name}"][HEAD] for name in "qkv")
    product = k @ q[AT]
    scaled = product / math.sqrt(d)
    weight = pattern[AT]
    weighted = weight[:, None] * v
    z = weighted.sum(0)
    most = int(weight.argmax())
    steps = {
        "q·k": product,
        "q·k ÷ √d": scaled,
        "weight": weight,
        "weight × |v|": norm(weighted),
    }
    later = T - 1 - AT
    said = [
        (
            "What token {}",
            *(AT, most, 1, product[most], 2, d, math.sqrt(d), scaled[most], 3, later, T),
            *(4, 1, weight[most], 5),
        ),
        ("One bar a token looked at", f"{at}.q[{HEAD}, {AT}]", f"{at}.k[{HEAD}]", T, d, 0, 1),
        (
            "Each row is a token's value",
            *(f"{at}.pattern[{HEAD}, {AT}]", f"{at}.v[{HEAD}]", f"{at}.z[{HEAD}, {AT}]"),
            *(AT + 1, d, 0),
        ),
        ("it differs from", lambda error: 0 <= error < 1e-5, 1),
    ]
    shown: dict[str, Any] = {
        "arithmetic.yaxis": ref.named,
        "weighted_values.0.z": weighted[: AT + 1],
        "weighted_values.1.z": z,
        "weighted_values.0.y": ref.named[: AT + 1],
        "weighted_values.yaxis": ref.named[: AT + 1],
        "arithmetic_table.position": range(T),
        "arithmetic_table.|v|": norm(v),
        "weighted_values_table.key": ref.named[: AT + 1],
    }
    for i, (name, numbers) in enumerate(steps.items()):
        shown |= {f"arithmetic.{i}.x": numbers, f"arithmetic.{i}.y": ref.named}
        shown[f"arithmetic_table.{name}"] = numbers
    for i in range(d):
        shown[f"weighted_values_table.{i}"] = [*weighted[: AT + 1, i], z[i]]
    return said, shown


def brings(ref: Reference, pattern: np.ndarray) -> Expected:
    at, d = f"h.{LAYER}.attn", ref.d
    out = ref.weight(f"{at}.c_proj.weight")[HEAD * d : (HEAD + 1) * d]
    lengths = pattern * norm(ref.x[f"{at}.v"][HEAD] @ out)
    got = lengths / lengths.sum(-1, keepdims=True)
    weights, row = pattern[AT], got[AT]
    key, giver = int(weights.argmax()), int(row.argmax())
    sentence: tuple = ("takes most from", AT, key, weights[key], row[key])
    if key != giver:
        told = (AT, key, weights[key], giver, row[giver], weights[giver])
        sentence = ("Weight is not contribution", *told)
    name = f"{at}.pattern[{HEAD}]"
    both = f"{name} and |{name} × {at}.v[{HEAD}] × {at}.c_proj|"
    said = [sentence, ("On the left", both, ref.T, ref.T, 1, 2020)]
    return said, square("weights", pattern, AT) | square("brought", got, AT) | table(
        "brought", lengths
    )


def any_token(ref: Reference, _: np.ndarray) -> Expected:
    at, d = f"h.{LAYER}.attn", ref.d
    wte, token = ref.weight("wte.weight"), ref.ids[AT]
    block = ref.theirs.transformer.h[LAYER]
    centred = wte - wte.mean(-1, keepdims=True)
    normed = centred / np.sqrt(wte.var(-1, keepdims=True) + 1e-5)
    normed = normed * block.ln_1.weight.detach().numpy() + block.ln_1.bias.detach().numpy()
    qkv = normed @ ref.weight(f"{at}.c_attn.weight") + ref.weight(f"{at}.c_attn.bias")
    q, k, v = (part[:, HEAD * d : (HEAD + 1) * d] for part in np.split(qkv, 3, axis=-1))
    qk = k @ q[token] / math.sqrt(d)
    out = v[token] @ ref.weight(f"{at}.c_proj.weight")[HEAD * d : (HEAD + 1) * d]
    ov = wte @ ((out - out.mean()) * ref.weight("ln_f.weight"))
    ov -= ov.mean()
    lists = {"looks at": (qk, qk), "writes": (ov, ov), "writes against": (ov, -ov)}
    shown: dict[str, Any] = {}
    every: dict[str, list] = {"rank": [], "id": [], "value": []}
    for name, (values, order) in lists.items():
        ids = np.argsort(-order)[:10]
        columns = {"rank": [*range(1, 11)], "id": ids.tolist(), "value": values[ids].tolist()}
        for column, numbers in columns.items():
            shown[f"{name}.{column}"] = numbers
            every[column] += numbers
    shown |= {f"circuits_table.{column}": numbers for column, numbers in every.items()}
    said = [("Read off the head's weights", HEAD, ref.V, 0, 2021)]
    return said, shown


def head_map(ref: Reference, _: np.ndarray, measure: str = "normalised entropy") -> Expected:
    own, T = ref.patterns, ref.T
    terms = np.where(own > 0, -own * np.log(np.where(own > 0, own, 1)), 0).sum(-1)
    measures = {
        "entropy": terms.mean(-1),
        "normalised entropy": (terms[..., 1:] / np.log(np.arange(2, T + 1))).mean(-1),
        **places(own, ref),
    }
    values = measures[measure]
    layers, heads = np.indices(values.shape).reshape(2, -1)
    said = [("One square a head, coloured by", 0, 1, 1, ref.L, ref.H, T, T, 0, 1, 0)]
    shown = {
        "head_map.0.z": values,
        "head_map.1.text": [(number,) for number in values.ravel()],
        "head_map.shapes": [HEAD - 0.5, HEAD + 0.5, LAYER - 0.5, LAYER + 0.5],
        "head_map_table.layer": layers,
        "head_map_table.head": heads,
        **{f"head_map_table.{name}": numbers for name, numbers in measures.items()},
    }
    return said, shown


def over_heads(ref: Reference, _: np.ndarray, way: str = "mean") -> Expected:
    heads = ref.patterns[LAYER]
    pattern = heads.mean(0) if way == "mean" else heads.max(0)
    name = f"{way} over heads of h.{LAYER}.attn.pattern"
    said = [("Each row is a token that looks, each column", name, ref.H, ref.T, ref.T, 0, 1, 1)]
    shown = square("mean_or_maximum", pattern, AT) | table("mean_or_maximum", pattern)
    return said, shown


def rollout(ref: Reference, _: np.ndarray) -> Expected:
    past = np.eye(ref.T)
    for heads in ref.patterns[: LAYER + 1]:
        past = (heads.mean(0) + np.eye(ref.T)) / 2 @ past
    row = past[AT]
    key = int(row[:AT].argmax())
    sentence: tuple = ("comes from {}", AT, LAYER, key, row[key])
    if row[AT] >= row[key]:
        sentence = ("still is its own", AT, LAYER, row[AT], key, row[key])
    name = f"h.0.attn.pattern … h.{LAYER}.attn.pattern"
    said = [sentence, ("Each row tells of which tokens", name, ref.T, ref.T, 1, 2020)]
    return said, square("rollout", past, AT) | table("rollout", past)


TABS = {
    "one-head": (one_head, "pattern"),
    "lines": (lines, "lines"),
    "arithmetic": (arithmetic, "arithmetic"),
    "brings": (brings, "brought"),
    "any-token": (any_token, "circuits"),
    "head-map": (head_map, "head_map"),
    "over-heads": (over_heads, "mean_or_maximum"),
    "rollout": (rollout, "rollout"),
}


def look(read: Read, models: Models, tab: str) -> None:
    """One tab."""
    ref, own = models.ref, models.ref.patterns
    expected, key = TABS[tab]
    page = read("attention", (key, "weighted_values"), **CHOSEN, tab=tab)
    above = above_the_tabs(ref, own, None)
    page.holds(ref.around(AT), above, expected(ref, own[LAYER, HEAD]))


def painting(ref: Reference) -> tuple[np.ndarray, str]:
    """Two painted squares, and how the address says it: bits row by row from the first, base 64."""
    painted = np.zeros((ref.T, ref.T), bool)
    painted[3, 1] = painted[5, 2] = True
    bits = np.packbits(painted[np.tril_indices(ref.T)]).tobytes().rstrip(b"\0")
    return painted, base64.urlsafe_b64encode(bits).decode().rstrip("=")


def paint(ref: Reference, painted: np.ndarray) -> Expected:
    own, T, H = ref.patterns, ref.T, ref.H
    rows = painted.any(-1)
    shares, chance = ((p * painted).sum(-1)[..., rows].mean(-1) for p in (own, alike(ref)))
    order = np.argsort(-shares.ravel(), kind="stable")
    ranked = shares.ravel()[order]
    layer, head = divmod(int(order[0]), H)
    squares = np.tril_indices(T)
    ids = np.array(ref.ids)
    below = np.tril(np.ones((T, T), bool), -1)
    starts = (
        np.eye(T, k=-1, dtype=bool),
        below & (np.arange(T) == 0),
        below & (ids[:, None] == ids),
    )
    words = "looks most like your painting" if ranked[0] > chance else "No head looks there more"
    first = (ranked[0], chance) if ranked[0] > chance else (chance, ranked[0])
    pattern = own[layer, head]
    said = [
        (words, *first),
        ("All heads by their painted share", *ranked[:4]),
        read_a_pattern(ref, f"h.{layer}.attn.pattern[{head}]"),
        ("One square a head, with its painted share", ref.L, H, T, T, 0, 1, 3, 0),
    ]
    shown = {
        "painting.painted": np.flatnonzero(painted[squares]),
        "painting.starts.squares": np.concatenate([np.flatnonzero(s[squares]) for s in starts]),
        "painting.alt": [(T,)],
        "painting.words.one": [(1,)],
        "painted_share.ends": [(0,), (1,)],
        "painted_share.chosen": [LAYER, HEAD],
        "painted_share.sent": shares,
        "painted_share.hover": [(0, 1)],
        "painted_share.alt": [(ref.L, H)],
        "painted_share_table.rank": range(1, len(order) + 1),
        "painted_share_table.layer": order // H,
        "painted_share_table.head": order % H,
        "painted_share_table.painted share": ranked,
        "painted_share_table.by chance": [chance] * len(order),
        "painted_share_table.times chance": ranked / chance,
        **square("most_like_it", pattern, AT),
        **table("most_like_it", pattern),
    }
    return said, shown


def look_at_painting(read: Read, models: Models) -> None:
    """The tab Paint with two painted squares."""
    ref = models.ref
    painted, written = painting(ref)
    keys = ("most_like_it", "painted_share")
    page = read("attention", keys, **CHOSEN, tab="paint", painted=written)
    above = above_the_tabs(ref, ref.patterns, painted)
    page.holds(ref.around(AT), above, paint(ref, painted))


def look_without_first(read: Read, models: Models) -> None:
    """The map of a head without the first token."""
    ref = models.ref
    page = read("attention", ("pattern",), **CHOSEN, without_first="true")
    rest = ref.patterns.copy()
    rest[..., 0] = 0
    with np.errstate(invalid="ignore"):
        rest /= rest.sum(-1, keepdims=True)
    pattern = rest[LAYER, HEAD]
    shown = square("pattern", pattern, AT) | table("pattern", pattern) | {"pattern.blank": 0}
    name = f"h.{LAYER}.attn.pattern[{HEAD}]"
    said = [("Each row is a token that looks", name, 0, ref.T, ref.T, 0, 1, 1, 1, 0)]
    page.holds(ref.around(AT), above_the_tabs(ref, rest, None), (said, shown))


VIEWS = {tab: partial(look, tab=tab) for tab in TABS} | {
    "paint": look_at_painting,
    "without the first token": look_without_first,
}
