"""The logit lens of two sides: what each would say after each layer, and how far that is apart.

Rows are those of `residual.logit_lens` (nostalgebraist, 2020): the embedding, then each block. Row
i of one side is compared to row i of the other; rows that only the deeper model has are compared
to nothing.
"""

import math

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from gptviz.activations import Trace
from gptviz.language_model import LanguageModel
from gptviz.subjects.compare.analysis import Apart, apart, require_numbers, vocabularies
from gptviz.subjects.residual.analysis import stream_names

ROWS_AT_ONCE = 32  # positions whose logits of a large vocabulary are in memory at one time


@torch.inference_mode()
def lens_distances(
    left: LanguageModel, trace: Trace, right: LanguageModel, other: Trace
) -> np.ndarray:
    """How far the lens of both sides is apart in each cell: (rows that both have, T).

    The total variation distance of two distributions, from 0 to 1. Raises ValueError for texts of
    different lengths, and for what is no number.
    """
    T = len(trace.ids)
    if len(other.ids) != T:
        raise ValueError(
            f"the left text has {T} tokens and the right one {len(other.ids)}; the lens is "
            f"compared cell by cell only where both texts have as many"
        )
    words = vocabularies(left, right)
    names = _shared_rows(left, right)
    found = np.empty((len(names), T))
    for row, name in zip(found, names, strict=True):
        for start in range(0, T, ROWS_AT_ONCE):
            rows = slice(start, start + ROWS_AT_ONCE)
            p = _logits(left, trace[name][rows]).softmax(-1)
            q = _logits(right, other[name][rows]).softmax(-1)
            p, q = words.joined(p, q, missing=0.0)
            row[rows] = (p - q).abs().sum(-1, dtype=torch.float64).numpy() / 2
    return found


def distance_table(
    left: LanguageModel, trace: Trace, right: LanguageModel, other: Trace
) -> pd.DataFrame:
    """`lens_distances`, a row for each cell: stage, position, left, right, total_variation.

    left and right are the pieces that the sides read there. Raises ValueError as that does.
    """
    found = lens_distances(left, trace, right, other)
    rows, T = found.shape
    return pd.DataFrame(
        {
            "stage": np.repeat(_shared_rows(left, right), T),
            "position": np.tile(np.arange(T), rows),
            "left": trace.tokens * rows,
            "right": other.tokens * rows,
            "total_variation": found.ravel(),
        }
    )


@torch.inference_mode()
def lens_cell(
    left: LanguageModel,
    trace: Trace,
    right: LanguageModel,
    other: Trace,
    row: int,
    at: tuple[int, int],
) -> Apart:
    """What both sides would say if they stopped after one row of the lens; row 0 is the embedding.

    at is a position of the left text and one of the right. Raises ValueError for a row that only
    one model has, and for what is no number.
    """
    names = _shared_rows(left, right)
    if not 0 <= row < len(names):
        raise ValueError(f"row {row} came; both models have the rows 0 to {len(names) - 1}")
    p = _logits(left, trace[names[row]][at[0]])
    q = _logits(right, other[names[row]][at[1]])
    return apart(vocabularies(left, right), p, q)


@torch.inference_mode()
def lens_way(
    left: LanguageModel, trace: Trace, right: LanguageModel, other: Trace, at: tuple[int, int]
) -> pd.DataFrame:
    """Both sides row after row of the lens, after a position of the left text and one of the right.

    Columns: stage, left and right (the likeliest token), left_probability, right_probability, and
    total_variation. In a row that only one model has, the other side's token is empty and its
    numbers are NaN. Raises ValueError for what is no number.
    """
    words = vocabularies(left, right)
    table = []
    for name in max(stream_names(left), stream_names(right), key=len):
        found: list[Tensor | None] = [
            _logits(lm, own[name][i]).double().softmax(-1) if name in stream_names(lm) else None
            for lm, own, i in zip((left, right), (trace, other), at, strict=True)
        ]
        p, q = found
        distance = math.nan
        if p is not None and q is not None:
            one, two = words.joined(p, q, missing=0.0)
            distance = float((one - two).abs().sum() / 2)
        table.append((name, *_likeliest(left, p), *_likeliest(right, q), distance))
    columns = ["stage", "left", "left_probability", "right", "right_probability"]
    return pd.DataFrame(table, columns=[*columns, "total_variation"])


def _likeliest(lm: LanguageModel, probabilities: Tensor | None) -> tuple[str, float]:
    if probabilities is None:
        return "", math.nan
    best = probabilities.max(-1)
    return lm.tokenizer.pieces([int(best.indices)])[0], float(best.values)


def _shared_rows(left: LanguageModel, right: LanguageModel) -> list[str]:
    return min(stream_names(left), stream_names(right), key=len)


def _logits(lm: LanguageModel, x: Tensor) -> Tensor:
    """Vectors of the stream (…, C), read as the model reads its last one: (…, V), on the CPU."""
    return require_numbers(lm.model.unembed(lm.model.ln_f(x)).cpu())
