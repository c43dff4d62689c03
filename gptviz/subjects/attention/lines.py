"""Lines from token to token for one head; pointing at a token shows its lines alone."""

from collections.abc import Sequence

import streamlit as st
from torch import Tensor

from gptviz.app import component
from gptviz.app.save import file_name
from gptviz.subjects.attention import drawn_figures

COMPONENT = component.register(__file__, '<div class="lines"></div>')


def attention_lines(pattern: Tensor, tokens: Sequence[str], chosen: int, name: str) -> str:
    """Draw one pattern (T, T), a tensor of that name; a line is as opaque as its weight is large.

    Not-a-number draws no line. Hovering, focus or a tap shows the lines of one token with their
    weights; a click chooses it. Returns what is not drawn, in words, or "": beyond 64 tokens
    only token 0 and those that lead up to the chosen one are. Raises ValueError unless there is
    one token for each row.
    """

    def choose() -> None:
        st.session_state["position"] = int(st.session_state["attention_lines"]["position"])

    data = drawn_figures.lines(pattern, tokens, chosen, file_name("lines", name))
    COMPONENT(key="attention_lines", data=data, on_position_change=choose)
    drawn = data["positions"]
    if len(drawn) == len(tokens):
        return ""
    return (
        f"Of {len(tokens)} tokens, only token 0 and tokens {drawn[1]} to {drawn[-1]} are drawn, "
        "and the lines between them."
    )
