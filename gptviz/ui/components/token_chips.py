"""Tokens as chips, drawn the same way everywhere: the piece, and its position small beside it."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import pandas as pd
import streamlit as st

from gptviz.figures.theme import PALETTES, Scheme

FOLDER = Path(__file__).parent
COMPONENT = st.components.v2.component(
    "gptviz_token_chips",
    html='<div class="root"></div>',
    css=(FOLDER / "token_chips.css").read_text(encoding="utf-8"),
    js=(FOLDER / "token_chips.js").read_text(encoding="utf-8"),
)


@dataclass(frozen=True)
class Chip:
    """One token, or a part of a word on its way to become one."""

    piece: str  # what `Tokenizer.pieces` shows for it
    position: int  # beside the piece; counts through the colours, of which there are six
    hover: str = ""  # shown while the pointer or the keyboard is on the chip
    under: str = ""  # always shown, small, below the piece
    marked: bool = False
    width: int = 1  # in columns, where the chips of several rows are aligned


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
    arrange: Literal["flow", "beside", "aligned"] = "flow",
    chosen: int | None = None,
    choose: str | None = None,
) -> None:
    """Draw rows of chips.

    arrange: "flow" puts the rows below each other and wraps each like text, "beside" puts them
    side by side, "aligned" gives each chip as many columns as its width, so that a row is read
    against the row above. The chip at the position `chosen` is outlined. With `choose`, a click
    on a chip writes its position into the session state under that key.
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
        },
        on_position_change=remember,
    )


def chips(table: pd.DataFrame, *, ids_shown: bool = False) -> list[Chip]:
    """The chips of a table of tokens (`analysis.tokens.token_table`), with id and bytes on hover.

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
