"""A row of cases worth a look on a model on board, each of which brings its text along."""

from collections.abc import Callable, Mapping
from typing import Protocol, TypeVar

import streamlit as st

from gptviz import checkpoints
from gptviz.app.prompt import box


class Preset(Protocol):
    """A case with a title, and the text that shows it."""

    @property
    def title(self) -> str:
        """What stands on its button."""

    @property
    def prompt(self) -> str:
        """The text that it is about."""


P = TypeVar("P", bound=Preset)


def preset_row(presets: Mapping[str, P], model: str, take: Callable[[P], None]) -> None:
    """Draw the row, where the model that they were measured on is there.

    A click chooses that model and the text, and calls `take` for the other choices of the page.
    """
    if model not in checkpoints.names():
        return

    def chosen(preset: P) -> None:
        st.session_state["model"] = model
        box.put(preset.prompt)
        take(preset)

    row(presets, chosen)


def row(presets: Mapping[str, P], take: Callable[[P], None]) -> None:
    """Draw a row of cases by their slugs; a click calls `take` with one."""

    def chosen() -> None:
        preset = presets.get(st.session_state["preset"])
        st.session_state["preset"] = None
        if preset is not None:
            take(preset)

    st.pills(
        "Try this",
        list(presets),
        format_func=lambda slug: presets[slug].title,
        key="preset",
        on_change=chosen,
        label_visibility="collapsed",
    )
