"""Where attention and the lens of two sides differ, as sentences made from numbers by rules."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from gptviz.app import show
from gptviz.subjects.compare.sentences import SMALL, percent

LITTLE = 0.1  # of the probability: less is nearly the same
MUCH = 0.5  # of a weight

NO_DIFFERENCE = (
    "Side by side only: position by position, the two texts do not belong together, so there is "
    "no difference to draw."
)
LAST_TOKENS = (
    "After the last token of either text, for their other positions do not belong together."
)
LONE_ROW = "Only one of the models has this layer, so there is nothing to compare it to."
HEAD = (
    "**{head}** differs most where {query} looks at {key}: weight {left:.2f} on the left, "
    "{right:.2f} on the right."
)
NO_HEAD = (
    "None of {all} heads has a weight that differs by 0.5; **{head}** comes nearest, with {most}."
)
ONE_HEAD = "One of {all} heads has a weight that differs by 0.5 or more: **{head}**, by {most}."
SOME_HEADS = (
    "{n} of {all} heads have a weight that differs by 0.5 or more, most of all **{head}**, by "
    "{most}."
)
ALIKE_THROUGHOUT = (
    "After every layer both sides would say nearly the same: never does more than {most} of the "
    "probability lie on other tokens."
)
APART_THROUGHOUT = (
    "Both sides differ from the first row on, most in row **{peak}**, where {most} of the "
    "probability lies on other tokens."
)
PARTING = (
    "Up to row **{before}** both sides would say nearly the same. They part in row **{first}**, "
    "where {most} of the probability lies on other tokens."
)
PARTING_AND_PEAK = (
    "Up to row **{before}** both sides would say nearly the same. They part in row **{first}** and "
    "are furthest apart in row **{peak}**, where {most} of the probability lies on other tokens."
)
CELL = (
    "Furthest apart is row **{row}** after token {token}: {most} of the probability lies on other "
    "tokens."
)


def of_head(
    left: np.ndarray, right: np.ndarray, tokens: tuple[Sequence[str], Sequence[str]], head: str
) -> str:
    """Where a head's patterns (T, T) differ most."""
    difference = np.abs(right - left)
    query, key = (int(i) for i in np.unravel_index(difference.argmax(), left.shape))
    if difference[query, key] < SMALL:
        return f"**{head}** looks at the same places on both sides: no weight differs."
    at = {"query": _place(query, *tokens), "key": _place(key, *tokens)}
    return HEAD.format(head=head, left=left[query, key], right=right[query, key], **at)


def of_lone_head(head: str, *, on_the_left: bool) -> str:
    """That only one side has a head."""
    side = "left" if on_the_left else "right"
    return f"Only the {side} model has **{head}**."


def of_heads(distances: np.ndarray) -> str:
    """How many of the heads that both sides have differ much; distances is (layers, heads)."""
    layer, head = (int(i) for i in np.unravel_index(distances.argmax(), distances.shape))
    most, n = float(distances[layer, head]), int((distances >= MUCH).sum())
    if most < SMALL:
        return "Every head looks at the same places on both sides."
    words = (NO_HEAD, ONE_HEAD, SOME_HEADS)[min(n, 2)]
    return words.format(n=n, all=distances.size, head=f"L{layer} H{head}", most=f"{most:.2f}")


def of_lens(way: pd.DataFrame, rows: Sequence[str]) -> str:
    """Where two lenses part, from `lens_way`; rows are the names of its rows."""
    distances = way["total_variation"].dropna().to_numpy()
    peak = int(distances.argmax())
    apart = np.flatnonzero(distances >= LITTLE)
    first = int(apart[0]) if len(apart) else None
    if first is None:
        words = ALIKE_THROUGHOUT
    elif first == 0:
        words = APART_THROUGHOUT
    else:
        words = PARTING if first == peak else PARTING_AND_PEAK
    return words.format(
        peak=rows[peak],
        most=percent(float(distances[peak])),
        first=rows[first or 0],
        before=rows[max(0, (first or 0) - 1)],
    )


def of_cells(values: np.ndarray, rows: Sequence[str], tokens: Sequence[str]) -> str:
    """Where two lenses are furthest apart; values is (rows, T)."""
    row, column = (int(i) for i in np.unravel_index(values.argmax(), values.shape))
    most = float(values[row, column])
    if most < SMALL:
        return "Both lenses say the same in every cell."
    token = _place(column, tokens, tokens)
    return CELL.format(row=rows[row], token=token, most=percent(most))


def _place(i: int, own: Sequence[str], others: Sequence[str]) -> str:
    piece = own[i] if own[i] == others[i] else f"{own[i]} / {others[i]}"
    return f"{i} “{show.literal(piece)}”"
