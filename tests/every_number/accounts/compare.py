"""The page Compare: two models and two texts, side by side and as difference."""

from functools import partial
from typing import Any

import numpy as np

from accounts.common import Expected, Models, Read, chips, heads_by, told
from accounts.reference import LETTERS, Reference

AT, LAYER, HEAD = 7, 1, 2
OTHER_TEXT = "a sea. a be"


def above_the_tabs(ref: Reference, other: Reference) -> Expected:
    hover = [f"id {token}" for side in (ref, other) for token in side.ids]
    shown = {
        "sides.rows.chips.position": [*range(ref.T)] * 2,
        "sides.rows.chips.hover": hover,
    }
    return [("Both texts have {} tokens", ref.T, ref.L, ref.H, other.L, other.H)], shown


def distributions(log_p: np.ndarray, log_q: np.ndarray, *named: Any) -> Expected:
    p, q = np.exp(log_p), np.exp(log_q)
    ids = list(dict.fromkeys([*np.argsort(-p)[:6].tolist(), *np.argsort(-q)[:6].tolist()]))
    apart = np.argsort(-np.abs(q - p))[:10]
    shown: dict[str, Any] = {
        "likeliest.0.x": p[ids],
        "likeliest.1.x": q[ids],
        "likeliest.0.y": range(len(ids)),
        "likeliest.1.y": range(len(ids)),
        "differing.0.x": (q - p)[apart],
        "differing.0.y": range(10),
        "differing.0.text": [(100 * (q - p)[i],) for i in apart],
    }
    for key, rows in (("likeliest", ids), ("differing", apart)):
        shown |= {f"{key}_table.left": p[rows], f"{key}_table.right": q[rows]}
        shown[f"{key}_table.difference"] = (q - p)[rows]
    sizes = (len(p), len(q))
    said = [
        ("The likeliest next tokens of either side", *named, *sizes),
        ("The tokens whose probability differs most", *named, *sizes, 0),
    ]
    return said, shown


def variation(log_p: np.ndarray, log_q: np.ndarray) -> np.ndarray:
    return np.abs(np.exp(log_p) - np.exp(log_q)).sum(-1) / 2


def next_token(ref: Reference, other: Reference) -> Expected:
    log_p, log_q = ref.log_p[-1], other.log_p[-1]
    p, q = np.exp(log_p), np.exp(log_q)
    kl = float((p * (log_p - log_q)).sum())
    best = (told(p.max()), told(q.max()))
    said, shown = distributions(log_p, log_q, ref.T - 1, other.T - 1)
    sentence = ("To turn one guess into the other", *best, variation(log_p, log_q), kl)
    return [sentence, *said], shown


def attention(ref: Reference, other: Reference) -> Expected:
    left, right = (side.patterns[: other.L] for side in (ref, other))
    one, two = left[LAYER, HEAD], right[LAYER, HEAD]
    apart = np.abs(right - left).max((-2, -1))
    most = apart.max()
    n = int((apart >= 0.5).sum())
    query, key = divmod(int(np.abs(two - one).argmax()), ref.T)
    both = zip(ref.named, other.tokens, strict=True)
    joined = [own if own.endswith(f" {piece}") else f"{own}/{piece}" for own, piece in both]
    rows, columns = np.tril_indices(ref.T)
    whole = np.full((ref.L, ref.H), np.nan)
    whole[: other.L] = apart
    shown: dict[str, Any] = {
        "head_distances.chosen": [LAYER, HEAD],
        "head_distances.texts": [(value,) for value in apart.ravel()],
        "head_distances.ends": [(1,)],
        "head_distances.sent": whole,
        "head_distances_table.largest_difference": apart,
        "patterns_table.query": rows,
        "patterns_table.key": columns,
        "patterns_table.left": one[rows, columns],
        "patterns_table.right": two[rows, columns],
        "patterns_table.difference": (two - one)[rows, columns],
        **heads_by("head_distances", apart),
    }
    names = (ref.named, other.named, joined)
    for i, (values, labels) in enumerate(zip((one, two, two - one), names, strict=True)):
        shown[f"patterns_{i}.0.z"] = values
        for axis in "xy":
            shown[f"patterns_{i}.0.{axis}"] = labels
            shown[f"patterns_{i}.{axis}axis"] = labels[::2]
    heads: tuple = ("heads have a weight that differs", n, apart.size, 0.5, most)
    if n < 2:
        words = ("One of {} heads", "None of {} heads")[n == 0]
        heads = (words, apart.size, 0.5, most)
    said = [
        ("differs most where", query, key, one[query, key], two[query, key]),
        heads,
        ("Each row is a token that looks", f"[{HEAD}]", ref.T, ref.T, 0, 1, -1, 1, 0),
        ("One cell a head", 0, 1, other.L, ref.H),
    ]
    return said, shown


def lens(ref: Reference, other: Reference) -> Expected:
    left, right = ref.lens[:, AT], other.lens[:, AT]
    n = len(right)
    apart = variation(left[:n], right)
    values = np.full((ref.L + 1, 3), np.nan)
    values[:, 0] = np.exp(left.max(-1))
    values[:n, 1] = np.exp(right.max(-1))
    values[:n, 2] = apart
    columns = ("left_probability", "right_probability", "total_variation")
    first = int(np.flatnonzero(apart >= 0.1)[0]) if apart.max() >= 0.1 else -1
    words = {-1: "After every layer", 0: "differ from the first row on"}.get(first, "Up to row")
    said, shown = distributions(left[n - 1], right[n - 1], AT, AT)
    shown |= chips("position_chips", ref.T, AT)
    shown |= {
        "ways.chosen": [n - 1, 2],
        "ways.texts": [(value,) for value in apart],
        "ways.ends": [(0,), (1,)],
        "ways.sent": values,
        **{f"ways_table.{name}": values[:, i] for i, name in enumerate(columns)},
    }
    said += [
        (words, told(apart.max())),
        ("Each row is what either side would say", AT, AT, *values.shape, 2020, 0, 1),
    ]
    return said, shown


def every_lens(ref: Reference, other: Reference) -> Expected:
    n = len(other.lens)
    apart = variation(ref.lens[:n], other.lens)
    row, column = divmod(int(apart.argmax()), ref.T)
    shown: dict[str, Any] = {
        "lens_distances.columns": ref.named,
        "lens_distances.ends": [(0,), (1,)],
        "lens_distances.sent": apart,
        "lens_distances_table.position": [*range(ref.T)] * n,
        "lens_distances_table.total_variation": apart,
    }
    said: list[tuple] = [
        ("Furthest apart is row", column, told(apart[row, column])),
        ("Each cell compares what either side", *apart.shape, 2020, 0, 1),
    ]
    for name, side in (("left", ref), ("right", other)):
        p = np.exp(side.lens.max(-1))
        end = side.lens[-1]
        shown |= {
            f"lens_{name}.columns": side.named,
            f"lens_{name}.ends": [(0,), (1,)],
            f"lens_{name}.sent": p,
            f"lens_{name}_table.position": [*range(ref.T)] * len(p),
            f"lens_{name}_table.probability": p,
            f"lens_{name}_table.divergence": (np.exp(end) * (end - side.lens)).sum(-1),
        }
        said.append(("Each cell is what either side", *p.shape, side.V, 2020))
    return said, shown


def neighbours(ref: Reference, other: Reference) -> Expected:
    own = [LETTERS.index(letter) for letter in "king"]
    found = []
    for side in (ref, other):
        wte = side.weight("wte.weight")
        word = wte[own].mean(0)
        cosines = wte @ word / np.linalg.norm(wte, axis=-1) / np.linalg.norm(word)
        cosines[own] = -np.inf
        found.append(cosines)
    nearest = [np.argsort(-cosines)[:8].tolist() for cosines in found]
    rows = list(dict.fromkeys(nearest[0] + nearest[1]))
    shared = len(set(nearest[0]) & set(nearest[1]))
    shown: dict[str, Any] = {}
    for i, (name, cosines) in enumerate(zip(("left", "right"), found, strict=True)):
        shown |= {
            f"neighbours.{i}.x": cosines[rows],
            f"neighbours.{i}.y": range(len(rows)),
            f"neighbours_table.{name}": cosines[rows],
            f"neighbours_table.{name}_rank": [1 + (cosines > cosines[k]).sum() for k in rows],
        }
    shown["neighbours_table.difference"] = found[1][rows] - found[0][rows]
    sentence: tuple = ("are the same", 8, shared)
    if shared < 2:
        sentence = (("one is the same", "none is the same")[shared == 0], 8)
    return [sentence, ("The tokens nearest to the word", 1, 0, -1, ref.V, ref.C)], shown


TABS = {
    "next": (next_token, {}),
    "attention": (attention, {}),
    "lens": (lens, {}),
    "every lens": (every_lens, {"tab": "lens", "lens_of": "all"}),
    "neighbours": (neighbours, {}),
}


def look(read: Read, models: Models, tab: str) -> None:
    """One tab."""
    ref, other = models.ref, models.other
    expected, more = TABS[tab]
    keys = ("likeliest", "differing", "patterns", "head_distances", "ways", "neighbours")
    chosen = {"layer": LAYER, "head": HEAD, "position": AT, "other_model": "other"}
    page = read(
        "compare",
        (*keys, "lens_distances", "lens_left", "lens_right"),
        **{"tab": tab, **chosen, "other_prompt": OTHER_TEXT, **more},
    )
    page.holds(ref.around(AT), above_the_tabs(ref, other), expected(ref, other))


VIEWS = {tab: partial(look, tab=tab) for tab in TABS}
