"""Tokens as chips, drawn the same way everywhere: the piece, and its position small beside it."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Literal

import pandas as pd
import streamlit as st

from gptviz.app import component
from gptviz.app.clicks import clicked
from gptviz.app.save import file_name
from gptviz.app.theme import PALETTES, Scheme

COMPONENT = component.register(__file__, '<div class="root"></div>')


@dataclass(frozen=True)
class Chip:
    """One token, or a part of a word on its way to become one."""

    piece: str  # what `Tokenizer.pieces` shows for it
    position: int  # beside the piece; counts through the colours, of which there are six
    hover: str = ""  # shown while the pointer or the keyboard is on the chip
    under: str = ""  # always shown, small, below the piece
    marked: bool = False
    width: int = 1  # in columns, where the chips of several rows are aligned
    behind: str = ""  # a colour that says something, in place of the one by position
    ink: str = ""  # a colour that can be read on that


@dataclass(frozen=True)
class ChipRow:
    """Chips that follow each other, with a name and a remark."""

    chips: Sequence[Chip]
    name: str = ""
    note: str = ""


def token_chips(
    rows: Sequence[ChipRow],
    scheme: Scheme,
    *,
    key: str,
    arrange: Literal["flow", "beside", "aligned", "line"] = "flow",
    chosen: int | None = None,
    choose: str | None = None,
) -> None:
    """Draw rows of chips.

    arrange: "flow" puts the rows below each other and wraps each like text, "beside" puts them
    side by side, "aligned" gives each chip as many columns as its width, so that a row is read
    against the row above, and "line" keeps each row on one line, which is moved sideways. The chip
    at the position `chosen` is outlined. With `choose`, a click on a chip writes its position into
    the session state under that key.
    """

    def remember() -> None:
        if choose is not None:
            st.session_state[choose] = int(st.session_state[key]["position"])

    COMPONENT(
        key=key,
        data={
            "rows": [asdict(row) for row in rows],
            "colours": PALETTES[scheme].chips,
            "arrange": arrange,
            "chosen": chosen,
            "clickable": choose is not None,
            "file": None if arrange == "line" else file_name(key),
        },
        on_position_change=remember,
    )


def choose_token(
    tokens: Sequence[str],
    scheme: Scheme,
    key: str = "position",
    label: str = "Token to look at",
    default: int | None = None,
) -> int:
    """Which of the tokens, counted from 0; the default, or else the last one, unless chosen."""
    last = len(tokens) - 1
    chosen = clicked(key, len(tokens), last if default is None else min(default, last))
    row = ChipRow([Chip(piece, i, hover="click to choose it") for i, piece in enumerate(tokens)])
    with st.container(gap="xxsmall"):
        st.caption(label)
        token_chips([row], scheme, key=f"{key}_chips", arrange="line", chosen=chosen, choose=key)
    return chosen


def chips(table: pd.DataFrame, *, ids_shown: bool = False) -> list[Chip]:
    """The chips of a table with position, id, piece and bytes of each token; hover says both last.

    ids_shown writes each id below its piece as well.
    """
    columns = (table[name].tolist() for name in ("position", "id", "piece", "bytes"))
    return [
        Chip(
            piece=piece,
            position=position,
            hover=f"id {token} · bytes {data}" if data else f"id {token}",
            under=str(token) if ids_shown else "",
        )
        for position, token, piece, data in zip(*columns, strict=True)
    ]
