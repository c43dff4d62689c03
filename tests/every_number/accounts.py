"""What several pages show, out of a reference's numbers."""

import math
from collections.abc import Iterable
from typing import Any

import numpy as np
from reference import Reference
from shown import NUMBER

Expected = tuple[list[tuple], dict[str, Any]]


def below(limit: float):
    """A number that is what rounding leaves of 0."""
    return lambda value: 0 <= value <= limit


def told(p: float) -> float:
    """A probability in a sentence, which says "less than 0.1 %" of a small one."""
    return max(p, 0.001)


def heads_by(key: str, values: np.ndarray) -> dict[str, Any]:
    """A column of a table with a row for each head, (L, H), or for each token of each layer."""
    layers, columns = np.indices(values.shape).reshape(2, -1)
    return {f"{key}_table.layer": layers, f"{key}_table.head": columns}


def chips(key: str, count: int, chosen: int) -> dict[str, Any]:
    """A row of tokens."""
    return {f"{key}.rows.chips.position": range(count), f"{key}.chosen": chosen}


def numbered(texts: Iterable[str]) -> list[str]:
    """Those of some texts that hold a number."""
    return [text for text in texts if NUMBER.search(text)]


def ticks(values: np.ndarray) -> list[tuple[float]]:
    """What stands beside an axis that multiplies."""
    low, high = math.floor(math.log10(values.min())), math.ceil(math.log10(values.max()))
    factors = (1, 2, 5) if high - low <= 3 else (1,)
    return [(factor * 10.0**power,) for power in range(low, high + 1) for factor in factors]


def surprise(ref: Reference, at: int) -> Expected:
    """How surprising each token was, and what was expected in place of the one at a position."""
    log_p, ids = ref.log_p[:-1], ref.ids[1:]
    nats = -log_p[range(len(ids)), ids]
    ranks = 1 + (log_p > -nats[:, None]).sum(-1)
    most = int(nats.argmax())
    p = np.exp(-nats)
    row = log_p[at - 1]
    top = np.argsort(-row)[:5].tolist()
    top += [ref.ids[at]] if ref.ids[at] not in top else []
    loss = nats.mean()
    guess = math.log(ref.V)
    beats = "this is the mark" if loss < guess else "no better than"
    said = [
        ("The greatest surprise is token {}", most + 1, max(p[most], 0.001), ranks[most], ref.V),
        ("knew it", 0, guess),
        ("The stronger the colour", "−ln softmax(logits)", ref.T - 1, math.log(2)),
        ("in place of token {}", at),
        (beats, math.exp(loss), ref.V),
        ("**{} nats**", loss),
        ("**{}**", math.exp(loss)),
        ("**{} bits**", loss / math.log(2)),  # each letter is a byte
        ("**{} nats**", guess),
    ]
    shown = {
        "surprise.rows.chips.hover": [*zip(nats, p, ranks, strict=True)],
        "surprise.rows.chips.position": range(ref.T),
        "surprise.chosen": at,
        "surprise_table.position": range(1, ref.T),
        "surprise_table.nats": nats,
        "surprise_table.probability": p,
        "surprise_table.rank": ranks,
        "expected.id": top,
        "expected.rank": [1 + int((row > row[token]).sum()) for token in top],
        "expected.probability": np.exp(row[top]),
    }
    return said, shown
