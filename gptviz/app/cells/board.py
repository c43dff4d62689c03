"""A board of cells, a row a layer, drawn the same way everywhere; a click chooses a cell."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

import numpy as np
import streamlit as st

from gptviz.app import component
from gptviz.app.save import file_name
from gptviz.app.theme import PALETTES, Scale, Scheme, check_labels, colour_table, ink

COMPONENT = component.register(__file__, '<div class="board"></div>')


@dataclass(frozen=True)
class Colours:
    """How values become colours: the ends of the scale, and what is written at them."""

    low: float
    high: float
    low_says: str
    high_says: str
    scale: Scale = "sequential"  # "diverging" for signed values, with low = −high


@dataclass(frozen=True)
class Labels:
    """The words of a board: its rows, its columns, and what is told of a cell."""

    rows: Sequence[str]
    columns: Sequence[str]  # "3 ·love": the first word stands small above the rest
    hover: str  # with {row}, {column}, {text} and {value} for those of the cell
    alt: str


@dataclass(frozen=True)
class Leads:
    """The page that a click leads to, once a link to it says which row and column was chosen."""

    page: str
    row_key: str
    column_key: str


def cell_board(
    values: np.ndarray,
    texts: Sequence[str],
    labels: Labels,
    colours: Colours,
    scheme: Scheme,
    *,
    key: str,
    chosen: tuple[int, int] | None = None,
    choose: Callable[[int, int], None],
    leads: Leads | None = None,
) -> None:
    """Draw values (R, C) as cells of a colour each; a click calls `choose` with row and column.

    With `leads`, it then follows a link of the app, for which `choose` has to see to.

    texts stand in the cells, row by row; without any, the values do. Values beyond the scale have
    the colour of its end, and what is no number that of its beginning. Arrow keys move from cell to
    cell, Enter chooses. Raises ValueError unless there is a label for each row and column.
    """
    check_labels(labels.rows, values.shape[0], "rows")
    check_labels(labels.columns, values.shape[1], "columns")

    def chose() -> None:
        row, column = st.session_state[key]["cell"]
        choose(int(row), int(column))

    header = {
        "rows": list(labels.rows),
        "columns": list(labels.columns),
        "hover": labels.hover,
        "alt": labels.alt,
        "texts": list(texts),
        "chosen": chosen,
        "ends": [colours.low_says, colours.high_says],
        "leads": asdict(leads) if leads else None,
        "file": file_name(key),
    }
    levels = (np.nan_to_num(places(values, colours)) * 255).round().astype(np.uint8)
    table = colour_table(scheme, colours.scale)
    is_dark = ink(scheme, np.linspace(0, 1, 256), colours.scale) == "#ffffff"
    packed = component.pack(header, values.astype(np.float32), table, is_dark, levels)
    COMPONENT(key=key, data=packed, on_cell_change=chose)


def places(values: np.ndarray, colours: Colours) -> np.ndarray:
    """Where values lie on a scale, from 0 to 1."""
    return np.clip((values - colours.low) / (colours.high - colours.low), 0, 1)


def shades(values: np.ndarray, colours: Colours, scheme: Scheme) -> list[tuple[str, str]]:
    """For chips: the colour of each value (N,) on a scale, and one that can be read on it."""
    at = np.nan_to_num(places(values, colours))
    rgb = colour_table(scheme, colours.scale)[(at * 255).round().astype(int)]
    inks = ink(scheme, at, colours.scale)
    return [(f"#{bytes(own).hex()}", str(text)) for own, text in zip(rgb, inks, strict=True)]


def colour_bar(colours: Colours, scheme: Scheme) -> None:
    """What the colours of chips mean, as a bar with a word at each end."""
    stops = ", ".join(getattr(PALETTES[scheme], colours.scale))
    st.html(
        '<div style="display: flex; flex-wrap: wrap; gap: 4px 10px; align-items: center">'
        f"<span>{colours.low_says}</span>"
        f'<span style="width: 140px; height: 14px; border: 1px solid {PALETTES[scheme].muted}; '
        f'background: linear-gradient(to right, {stops})"></span>'
        f"<span>{colours.high_says}</span></div>"
    )
