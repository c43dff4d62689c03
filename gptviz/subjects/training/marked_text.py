"""A text as it is, with some of its passages marked."""

from collections.abc import Sequence

from gptviz.app import component
from gptviz.app.save import file_name

COMPONENT = component.register(__file__, '<pre class="text"></pre>')


def marked_text(text: str, passages: Sequence[tuple[int, int]], key: str) -> None:
    """Draw a text; passages are start and end (exclusive) in characters, in order, not overlapping.

    Marked passages are coloured and underlined.
    """
    COMPONENT(key=key, data={"pieces": pieces(text, passages), "file": file_name(key)})


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
