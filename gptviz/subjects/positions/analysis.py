"""Vectors for places in a text: what they are, what they are added to, what they change."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from gptviz.activations import Trace
from gptviz.language_model import LanguageModel
from gptviz.subjects.embeddings.position_analysis import position_vectors, sinusoidal_vectors

Kind = Literal["own", "waves", "none"]
KINDS: tuple[Kind, ...] = ("own", "waves", "none")
MOST_POSITIONS, MOST_DIMENSIONS = 128, 256  # more cells than that are too small to see


def vectors(lm: LanguageModel, kind: Kind, n: int) -> Tensor:
    """The vectors of the first n positions, (n, C): the model's own, waves, or zeros.

    The waves are those of Vaswani et al. (2017, Attention Is All You Need, section 3.5).
    """
    if kind == "own":
        return position_vectors(lm, range(n))
    waves = sinusoidal_vectors(lm, range(n))[:, : lm.config.n_embd]
    return waves if kind == "waves" else torch.zeros_like(waves)


def matrix(lm: LanguageModel, kind: Kind) -> pd.DataFrame:
    """The vectors of a model's first positions as a table: position, then a column a dimension.

    At most MOST_POSITIONS rows and MOST_DIMENSIONS dimensions.
    """
    found = vectors(lm, kind, min(lm.config.block_size, MOST_POSITIONS))[:, :MOST_DIMENSIONS]
    table = pd.DataFrame(found.cpu().numpy(), columns=[str(i) for i in range(found.size(1))])
    table.insert(0, "position", range(len(table)))
    return table


def added(trace: Trace, position: int) -> pd.DataFrame:
    """How a token's vector and its place's become what the network reads, a row a dimension.

    Columns: dimension, token (wte), position (wpe), sum, recorded (embed of the run).
    """
    token, place = trace["wte"][position], trace["wpe"][position]
    return pd.DataFrame(
        {
            "dimension": range(len(token)),
            "token": token.cpu().numpy(),
            "position": place.cpu().numpy(),
            "sum": (token + place).cpu().numpy(),
            "recorded": trace["embed"][position].cpu().numpy(),
        }
    )


def shuffled_ids(ids: Sequence[int], seed: int) -> list[int]:
    """The ids in another order, except that the last one stays the last.

    Raises ValueError where there is no other order.
    """
    before = list(ids[:-1])
    if len(set(before)) < 2:
        raise ValueError(
            "there is nothing to shuffle before the last token; type a text of three or more "
            "different tokens"
        )
    draw = np.random.default_rng(seed)
    while True:
        order = [before[i] for i in draw.permutation(len(before))]
        if order != before:
            return [*order, ids[-1]]


@dataclass(frozen=True, eq=False)
class Shuffled:
    """What changes in a model with the order of a text, a column or a row for each of KINDS."""

    moved: pd.DataFrame  # stage, then how far the last token's vector moves there with each kind
    guesses: pd.DataFrame  # positions, likeliest, likeliest shuffled, moved


def shuffled(
    lm: LanguageModel,
    ids: tuple[int, ...],
    seed: int,
    progress: Callable[[int, int], None] = lambda done, whole: None,
) -> Shuffled:
    """How far the last token's vector and its guess move if the tokens before it are shuffled.

    A vector moves by the length of the difference as a part of its own length, a guess by the total
    variation distance of both distributions, from 0 to 1. The model runs with its own positions,
    with waves in their place that are as long as its own on average (or as its tokens, if it has
    none), and without any; progress is told of each run. Raises ValueError as `shuffled_ids` does,
    and for a model without attention, in which the last token knows nothing of the others.
    """
    lm.config.require_attention()
    orders = [list(ids), shuffled_ids(ids, seed)]
    stages = lm.config.stream
    moved: dict[str, list] = {"stage": stages}
    rows = []
    for i, kind in enumerate(KINDS):
        added = _scaled(lm, kind, tuple(ids))
        runs: list[Trace] = []
        edits = {"wpe": lambda x, added=added: added.to(x)}
        for order in orders:
            progress(len(orders) * i + len(runs), len(orders) * len(KINDS))
            runs.append(lm.trace(order, [*stages, "logits"], edits))
        before, after = runs
        moved[kind] = [_moved(before[stage][-1], after[stage][-1]) for stage in stages]
        p, q = (run.logits[-1].double().softmax(-1) for run in runs)
        pieces = lm.tokenizer.pieces([_likeliest(lm, p), _likeliest(lm, q)])
        rows.append((kind, *pieces, float((p - q).abs().sum()) / 2))
    columns = ["positions", "likeliest", "likeliest shuffled", "moved"]
    return Shuffled(pd.DataFrame(moved), pd.DataFrame(rows, columns=columns))


def _likeliest(lm: LanguageModel, p: Tensor) -> int:
    # A model may have room for more tokens than its tokenizer knows.
    return int(p[: lm.tokenizer.vocab_size].argmax())


def _scaled(lm: LanguageModel, kind: Kind, ids: tuple[int, ...]) -> Tensor:
    """What is added to the tokens of a text, (T, C)."""
    found = vectors(lm, kind, len(ids))
    if kind != "waves":
        return found
    own = vectors(lm, "own", len(ids)).norm(dim=-1).mean()
    wanted = own if own > 0 else lm.model.wte.weight[list(ids)].norm(dim=-1).mean()
    return found * (wanted / found.norm(dim=-1).mean())


def _moved(before: Tensor, after: Tensor) -> float:
    length = float(before.norm())
    return float((after - before).norm()) / length if length else 0.0
