"""Pictures that the browser draws itself, as components of Streamlit."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import streamlit as st

from gptviz.app.bundle import bundled, data_url, pack

__all__ = ["bundled", "data_url", "pack", "register"]

# What it raises to read a value of another kind than the picture's own script sends.
FOREIGN = (TypeError, ValueError, LookupError, OverflowError, AttributeError)


def register(file: str | Path, html: str = "") -> Callable[..., Any]:
    """The component NAME, given any file NAME.*: beside it lie its NAME.js and perhaps NAME.css.

    What is done at a change reads what the browser sent and keeps it, and nothing more; where that
    is something that no page sends, nothing is done.
    """
    script = Path(file).with_suffix(".js")
    style = script.with_suffix(".css")
    component = st.components.v2.component(
        f"gptviz_{script.parent.name}_{script.stem}",
        html=html or None,
        css=style.read_text(encoding="utf-8") if style.exists() else None,
        js=bundled(script),
    )

    def draw(**given: Any) -> Any:
        deeds = {name: _distrusting(given[name]) for name in given if name.startswith("on_")}
        return component(**given | deeds)

    return draw


def _distrusting(deed: Callable[[], object]) -> Callable[[], None]:
    def done() -> None:
        with suppress(*FOREIGN):
            deed()

    return done
