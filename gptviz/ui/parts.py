"""What every page draws the same way: a chart with its tensor's name, tables, tabs, problems."""

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Literal

import pandas as pd
import streamlit as st

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

# A chart can be zoomed and saved; the rest of Plotly's buttons only distract.
CHART_CONFIG = {
    "displaylogo": False,
    "modeBarButtonsToRemove": ["select2d", "lasso2d", "autoScale2d"],
}


def chart(
    figure: "Figure",
    *,
    key: str,
    name: str,
    shape: tuple[int, ...],
    how_to_read: str,
    table: pd.DataFrame,
) -> None:
    """A figure with the name and shape of its tensor, how to read it, and its numbers.

    A figure that sets its own width keeps it, and scrolls where the page is narrower.
    """
    alt = plain(f"{name}. {how_to_read}")
    width: Literal["content", "stretch"] = "content" if figure.layout.width else "stretch"
    with st.container(key=f"scroll_{key}"):
        st.plotly_chart(figure, width=width, key=key, theme=None, config=CHART_CONFIG, alt=alt)
    source(name, shape, how_to_read)
    numbers(table, key)


def source(name: str, shape: tuple[int, ...], how_to_read: str) -> None:
    """Which tensor a picture shows, and one line on how to read it."""
    sizes = " × ".join(f"{size:,}" for size in shape)
    st.caption(f"`{name}` · {sizes} — {how_to_read}")


def numbers(frame: pd.DataFrame, key: str) -> None:
    """The numbers behind a picture, to read and to download; sent only when opened."""
    if st.toggle("Show the numbers", key=f"{key}_numbers"):
        table(frame, key)


def table(frame: pd.DataFrame, key: str) -> None:
    """A table to read and to download as CSV."""
    st.dataframe(frame, hide_index=True, key=f"{key}_table")
    st.download_button(
        "Download as CSV",
        data=lambda: frame.to_csv(index=False).encode(),
        file_name=f"{key}.csv",
        mime="text/csv",
        key=f"{key}_csv",
        on_click="ignore",
    )


def tabs(key: str, drawings: Mapping[str, Callable[[], None]]) -> None:
    """A row of tabs, of which only the open one is drawn, or says in a sentence why it cannot be.

    What a fragment raises never comes here: it has to tell its errors itself.
    """
    places = st.tabs(list(drawings), key=key, bind="query-params")
    for place, draw in zip(places, drawings.values(), strict=True):
        if place.open:
            with place:
                try:
                    draw()
                except ValueError as error:
                    failure(error)


def problem(text: str) -> None:
    """Say what is wrong, to the letter: the text may quote what a user typed."""
    st.error(literal(text))


def failure(error: Exception | str, way_out: str = "") -> None:
    """Say what an error says as a sentence, which begins with a capital, and perhaps a way out."""
    words = str(error)
    if words.partition(" ")[0].isalpha():  # else it begins with a path or the name of a setting
        words = words[:1].upper() + words[1:]
    problem(f"{words}. {way_out}".rstrip())


def literal(text: str) -> str:
    """Text that Markdown shows as it is: every sign that could mean something is escaped."""
    return re.sub(r"([!-/:-@\[-`{-~])", r"\\\1", text).replace("\n", " ")


def plain(text: str) -> str:
    """What Markdown shows of `literal` text, for places that show a text as it is."""
    return re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", text)
