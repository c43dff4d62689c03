"""Lines from token to token for one head; pointing at a token shows its lines alone."""

from collections.abc import Sequence
from pathlib import Path

import streamlit as st
from torch import Tensor

from gptviz.figures.theme import check_labels

FOLDER = Path(__file__).parent
COMPONENT = st.components.v2.component(
    "gptviz_attention_lines",
    html='<div class="lines"></div>',
    css=(FOLDER / "attention_lines.css").read_text(encoding="utf-8"),
    js=(FOLDER / "attention_lines.js").read_text(encoding="utf-8"),
)
MOST_TOKENS = 64


def attention_lines(pattern: Tensor, tokens: Sequence[str], chosen: int) -> str:
    """Draw one pattern (T, T); a line is as opaque as its weight is large.

    Not-a-number draws no line. Hovering, focus or a tap shows the lines of one token with their
    weights; a click sets the position control. Returns what is not drawn, in words, or "":
    beyond 64 tokens only token 0 and those that lead up to the chosen one are. Raises
    ValueError unless there is one token for each row.
    """
    check_labels(tokens, len(pattern), "rows")

    def choose() -> None:
        st.session_state["position"] = int(st.session_state["attention_lines"]["position"])

    drawn = drawn_positions(len(tokens), chosen)
    weights = pattern[drawn][:, drawn].nan_to_num(0.0).double().numpy().round(4)
    COMPONENT(
        key="attention_lines",
        data={
            "tokens": [tokens[position] for position in drawn],
            "positions": drawn,
            "chosen": drawn.index(chosen),
            "weights": [row[: lane + 1].tolist() for lane, row in enumerate(weights)],
            "alt": f"Attention from each of {len(drawn)} tokens to those before it; arrow keys "
            "move from token to token",
        },
        on_position_change=choose,
    )
    if len(drawn) == len(tokens):
        return ""
    return (
        f"Of {len(tokens)} tokens, only token 0 and tokens {drawn[1]} to {drawn[-1]} are drawn, "
        "and the lines between them."
    )


def drawn_positions(count: int, chosen: int) -> list[int]:
    """The positions that are drawn: all up to 64, else token 0 and the 63 up to the chosen one."""
    last = min(max(chosen, MOST_TOKENS - 1), count - 1)
    return [0, *range(max(1, last - MOST_TOKENS + 2), last + 1)]
