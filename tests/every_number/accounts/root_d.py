"""The page Dividing by √d: random vectors, and a query of the text."""

import math
from functools import partial
from typing import Any

import numpy as np
import torch

from accounts.common import Expected, Models, Read, chips
from accounts.reference import Reference, log_softmax

D, SEED, KEYS, DRAWS = 32, 3, 8, 400
SIZES = [2**power for power in range(11)]
AT, LAYER, HEAD = 7, 1, 2


def drawn(d: int, n: int) -> np.ndarray:
    """The scores (n, KEYS) of random queries."""
    generator = torch.Generator().manual_seed(SEED)
    q = torch.randn(n, d, generator=generator).double().numpy()
    k = torch.randn(n, KEYS, d, generator=generator).double().numpy()
    return np.einsum("nkd,nd->nk", k, q)


def entropy(scores: np.ndarray) -> float:
    """The mean entropy of the weights of rows of scores."""
    logs = log_softmax(scores)
    return -(np.exp(logs) * logs).sum(-1).mean()


def pairs(key: str, scores: np.ndarray, divisor: float, labels: list[str]) -> dict[str, Any]:
    """A pair of bars for each key."""
    shown: dict[str, Any] = {}
    both = (("score", "weight", scores), ("divided", "divided weight", scores / divisor))
    for i, (score, weight, values) in enumerate(both):
        weights = np.exp(log_softmax(values))
        shown |= {f"{key}.{i}.customdata": values, f"{key}.{i}.x": labels, f"{key}.{i}.y": weights}
        shown |= {f"{key}_table.{score}": values, f"{key}_table.{weight}": weights}
    return shown


def random() -> Expected:
    scores = drawn(D, 1)[0]
    many = {d: drawn(d, DRAWS) for d in SIZES}
    columns = {
        "spread": [found.std(ddof=1) for found in many.values()],
        "divided spread": [found.std(ddof=1) / math.sqrt(d) for d, found in many.items()],
        "entropy": [entropy(found) for found in many.values()],
        "divided entropy": [entropy(found / math.sqrt(d)) for d, found in many.items()],
    }
    shown = {
        "d.label": [f"{d:,}" for d in SIZES],
        "random_weights_table.key": range(KEYS),
        **pairs("random_weights", scores, math.sqrt(D), [f"key {i}" for i in range(KEYS)]),
        "as_d_grows.0.x": SIZES,
        "as_d_grows.0.y": columns["entropy"],
        "as_d_grows.1.x": SIZES,
        "as_d_grows.1.y": columns["divided entropy"],
        "as_d_grows.shapes": [D, D, 0, 1],
        "as_d_grows.xaxis": [f"{d:,}" for d in SIZES[::2]],
        "as_d_grows_table.d": SIZES,
        **{f"as_d_grows_table.{name}": values for name, values in columns.items()},
    }
    at, root = SIZES.index(D), math.sqrt(D)
    most = [np.exp(log_softmax(values)).max() for values in (scores, scores / root)]
    spreads = (columns["spread"][at], root, columns["divided spread"][at])
    n = len(SIZES)
    said = [
        ("scores spread by", D, *spreads, *most),
        ("Make d larger", KEYS, KEYS),
        ("attention narrows", n, DRAWS, KEYS, 0, DRAWS, KEYS, math.log(KEYS), 2017),
    ]
    return said, shown


def of_text(ref: Reference) -> Expected:
    q, k = (ref.x[f"h.{LAYER}.attn.{name}"][HEAD] for name in "qk")
    scores, root, n = k[: AT + 1] @ q[AT], math.sqrt(ref.d), AT + 1
    labels = ref.named[:n]
    shown = {
        "layer": [0, ref.L - 1, LAYER],
        "head": [0, ref.H - 1, HEAD],
        **chips("position_chips", ref.T, AT),
        **pairs("text_weights", scores, root, labels),
        "text_weights.1.name": [(ref.d, root)],
        "text_weights.xaxis": labels,
        "text_weights_table.position": range(n),
    }
    entropies = (entropy(scores / root), n, entropy(scores))
    said = [
        ("its attention has an entropy of", ref.d, root, *entropies),
        ("the highest bar grows", f"h.{LAYER}.attn.pattern[{HEAD}, {AT}]", n),
    ]
    return said, shown


def look(read: Read, models: Models, tab: str) -> None:
    """One tab."""
    ref = models.ref
    chosen = {"layer": LAYER, "head": HEAD, "position": AT}
    keys = ("text_weights",)
    if tab == "random":
        chosen, keys = {"d": D, "d_seed": SEED}, ("random_weights", "as_d_grows")
    page = read("root_d", keys, tab=tab, **chosen)
    page.holds((ref.around(AT)[0], {}), random() if tab == "random" else of_text(ref))


VIEWS = {tab: partial(look, tab=tab) for tab in ("random", "text")}
