"""A board of cells, a row a layer, drawn the same way everywhere; a click chooses a cell."""

from collections.abc import Callable, Sequence

import numpy as np
import streamlit as st

from gptviz.app import component
from gptviz.app.cells.drawn import Colours, Labels, Leads, packed, places
from gptviz.app.save import file_name
from gptviz.app.theme import PALETTES, Scheme, colour_table, ink

COMPONENT = component.register(__file__, '<div class="board"></div>')


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

    def chose() -> None:
        row, column = st.session_state[key]["cell"]
        choose(int(row), int(column))

    data = packed(
        values,
        texts,
        labels,
        colours,
        scheme,
        chosen=chosen,
        leads=leads,
        file=file_name(key),
    )
    COMPONENT(key=key, data=data, on_cell_change=chose)


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
