"""Pictures that the browser draws itself, as components of Streamlit."""

from pathlib import Path

import streamlit as st
from streamlit.components.v2.types import ComponentRenderer

from gptviz.app.bundle import bundled, data_url, pack

__all__ = ["bundled", "data_url", "pack", "register"]


def register(file: str | Path, html: str = "") -> ComponentRenderer:
    """The component NAME, given any file NAME.*: beside it lie its NAME.js and perhaps NAME.css."""
    script = Path(file).with_suffix(".js")
    style = script.with_suffix(".css")
    return st.components.v2.component(
        f"gptviz_{script.parent.name}_{script.stem}",
        html=html or None,
        css=style.read_text(encoding="utf-8") if style.exists() else None,
        js=bundled(script),
    )
