"""One pattern as a square that fits its place: point at it to read, click a row to choose it."""

from collections.abc import Sequence

import streamlit as st
from torch import Tensor

from gptviz.app import component
from gptviz.app.save import file_name
from gptviz.app.theme import Scheme
from gptviz.subjects.attention import drawn_figures

COMPONENT = component.register(__file__, '<div class="square"></div>')


def attention_square(
    pattern: Tensor,
    tokens: Sequence[str],
    chosen: int,
    scheme: Scheme,
    key: str,
    name: str,
    verbs: tuple[str, str] = drawn_figures.LOOKS,
) -> None:
    """Draw one pattern (T, T), a tensor of that name; row = the token that looks; a click on a row
    chooses its token.

    verbs say what a row does with its largest column, and with any other. Not-a-number stays
    blank. Raises ValueError unless there is one token for each row.
    """

    def choose() -> None:
        st.session_state["position"] = int(st.session_state[key]["position"])

    data = drawn_figures.square(pattern, tokens, chosen, scheme, file_name(key, name), verbs)
    COMPONENT(key=key, data=data, on_position_change=choose)
