"""What a notebook shows of a model and of a trace: plain HTML, without a script or another file."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

# Behind tokens, neighbours unlike; dark text is readable on each.
CHIPS = ("#d9e8fb", "#fde3c8", "#d5f0e3", "#eadcf8", "#fbf3bf", "#f9d9e3")
CHIP = (
    "display:inline-block;margin:2px 3px 2px 0;padding:1px 6px;border-radius:5px;color:#31333f;"
    "font-family:monospace;white-space:pre-wrap;unicode-bidi:isolate;background:"
)


@dataclass(frozen=True)
class Html:
    """Something that a notebook shows as HTML, and a terminal as a line."""

    html: str
    words: str

    def _repr_html_(self) -> str:
        return self.html

    def __repr__(self) -> str:
        return f"<{self.words}; a notebook shows it>"


def chips(tokens: Sequence[str], ids: Sequence[int]) -> str:
    """Tokens as coloured pieces; pointing at one tells its position and its id."""
    pairs = enumerate(zip(tokens, ids, strict=True))
    return "".join(chip(piece, f"position {i}, id {token}", i) for i, (piece, token) in pairs)


def chip(piece: str, hover: str, colour: int = 0) -> str:
    """One token as a coloured piece; the colours are counted through."""
    style = f"{CHIP}{CHIPS[colour % len(CHIPS)]}"
    return f'<span style="{style}" title="{escape(hover)}">{escape(piece)}</span>'


def described(title: str, facts: Iterable[str], below: str = "") -> str:
    """A title, facts in a line behind it, and something below."""
    line = " · ".join(escape(fact) for fact in facts)
    return f"<div><b>{escape(title)}</b> {line}</div><div>{below}</div>"


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of cells that are HTML already, under headings that are not."""
    head = "".join(f"<th>{escape(column)}</th>" for column in columns)
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def name_for(text: str) -> str:
    """A name for an element, the same for the same contents: a notebook run again is unchanged."""
    return f"gptviz-{hashlib.sha256(text.encode()).hexdigest()[:12]}"
