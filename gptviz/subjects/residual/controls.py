"""Which token is asked about, and what has to hold before anything is drawn."""

import numpy as np
import streamlit as st
from torch import Tensor

from gptviz.app.frame import View
from gptviz.subjects.residual.analysis import typed_token

BROKEN = (
    "not everything that this model computes from this text is a number (NaN), so there is nothing "
    "to read in its stream; choose another model"
)


def token_input(
    view: View, key: str, label: str, logits: Tensor, empty: str | None = None
) -> int | None:
    """The id of a token that was typed, or None: then it is the likeliest, or what `empty` says.

    Raises ValueError for a text that is no single token.
    """
    likeliest = view.lm.tokenizer.pieces([int(logits.argmax())])[0]
    typed = st.text_input(
        label,
        key=key,
        bind="query-params",
        max_chars=60,
        placeholder=empty or f"left empty: “{likeliest}”, the likeliest",
    )
    if not typed:
        return None
    return typed_token(view.lm, typed, logits)


def require_numbers(values: np.ndarray) -> None:
    """Raise ValueError, in words for the page, for what holds NaN or infinity."""
    if not np.isfinite(values).all():
        raise ValueError(BROKEN)
