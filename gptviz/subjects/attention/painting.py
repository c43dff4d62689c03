"""A pattern to paint: squares that are dragged over, clicked, or turned with the space bar."""

import functools
from collections.abc import Mapping, Sequence

import numpy as np
import streamlit as st
import torch
from torch import Tensor

from gptviz.app import component
from gptviz.app.save import file_name
from gptviz.app.theme import check_labels
from gptviz.subjects.attention import painting_analysis as analysis

COMPONENT = component.register(__file__, '<div class="controls"></div><div class="painting"></div>')
PAINTED = "painted"  # in the session state and in the address
WORDS = {
    "start": "Start:",
    "clear": "Clear",
    "none": "Nothing is painted yet",
    "one": "1 square is painted",
    "several": "{count} squares are painted",
}


_painting = functools.lru_cache(64)(analysis.painting_of)  # each answer asks for its own twice


def painted(T: int) -> Tensor:
    """What is painted for a text of T tokens: (n, n), of its first 32 tokens if it has more.

    It stands in the address. What means nothing there is dropped; squares that a longer text had
    are kept until somebody paints.
    """
    state = st.session_state
    chosen = _checked(state.get(PAINTED, st.query_params.get(PAINTED, "")))
    state[PAINTED] = chosen
    there = st.query_params.get(PAINTED)
    if chosen and chosen != there:
        st.query_params[PAINTED] = chosen
    elif not chosen and there is not None:
        del st.query_params[PAINTED]
    return _painting(chosen, min(T, analysis.MOST_PAINTED))


def painting_board(
    painting: Tensor, tokens: Sequence[str], starts: Mapping[str, Tensor], key: str
) -> None:
    """Draw a painting (n, n); who paints changes what `painted` gives.

    starts are paintings (n, n) to begin with, by what their buttons say; one without squares cannot
    be chosen. Raises ValueError unless there is one token for each row.
    """
    check_labels(tokens, len(painting), "rows")

    def paint() -> None:
        st.session_state[PAINTED] = _written(st.session_state[key]["squares"])

    COMPONENT(
        key=key,
        data={
            "tokens": list(tokens),
            "painted": _squares(painting),
            "starts": [{"title": title, "squares": _squares(p)} for title, p in starts.items()],
            "words": WORDS,
            "file": file_name("painting"),
            "alt": f"A pattern of {len(tokens)} tokens to paint: each row is a token that looks, "
            "each column a token looked at; arrow keys move, the space bar paints",
        },
        on_squares_change=paint,
    )


def _squares(painting: Tensor) -> list[int]:
    """The numbers of the painted squares, as painting.js counts them: row by row."""
    found: list[int] = np.flatnonzero(painting.numpy()[np.tril_indices(len(painting))]).tolist()
    return found


def _written(squares: Sequence[int]) -> str:
    # The text may have become shorter since they were painted. Their numbers do not depend on it.
    n = analysis.MOST_PAINTED
    rows, columns = np.tril_indices(n)
    chosen = [int(square) for square in squares if 0 <= square < len(rows)]
    painting = np.zeros((n, n), bool)
    painting[rows[chosen], columns[chosen]] = True
    return analysis.painting_text(torch.from_numpy(painting))


def _checked(text: str) -> str:
    try:
        _painting(text, analysis.MOST_PAINTED)
    except ValueError:
        return ""
    return text
