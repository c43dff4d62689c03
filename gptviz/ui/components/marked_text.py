"""A text as it is, with some of its passages marked."""

from collections.abc import Sequence
from pathlib import Path

import streamlit as st

FOLDER = Path(__file__).parent
COMPONENT = st.components.v2.component(
    "gptviz_marked_text",
    html='<pre class="text"></pre>',
    css=(FOLDER / "marked_text.css").read_text(encoding="utf-8"),
    js=(FOLDER / "marked_text.js").read_text(encoding="utf-8"),
)


def marked_text(text: str, passages: Sequence[tuple[int, int]], key: str) -> None:
    """Draw a text; passages are start and end (exclusive) in characters, in order, not overlapping.

    Marked passages are coloured and underlined.
    """
    COMPONENT(key=key, data=pieces(text, passages))


def pieces(text: str, passages: Sequence[tuple[int, int]]) -> list[tuple[str, bool]]:
    """The text in pieces, each marked or not; joined they are the text. Raises ValueError."""
    cut: list[tuple[str, bool]] = []
    done = 0
    for start, end in passages:
        if not done <= start < end <= len(text):
            raise ValueError(
                f"a passage from {start} to {end} came after {done} of {len(text)} characters; "
                f"give passages in order that do not overlap"
            )
        cut += [(text[done:start], False), (text[start:end], True)]
        done = end
    return [(piece, marked) for piece, marked in [*cut, (text[done:], False)] if piece]
