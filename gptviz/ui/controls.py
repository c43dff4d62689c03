"""The choices that live in the URL: layer, head and position, always within what there is."""

import streamlit as st

from gptviz.language_model import LanguageModel
from gptviz.ui.frame import View


def layer(lm: LanguageModel) -> int:
    """Which block, counted from 0."""
    return index("layer", "Layer", lm.config.n_layer)


def head(lm: LanguageModel) -> int:
    """Which attention head of the block, counted from 0."""
    return index("head", "Head", lm.config.n_head)


def position(view: View) -> int:
    """Which token of the prompt, counted from 0; the last one unless chosen."""
    return index("position", "Token (its position)", len(view.ids), default=len(view.ids) - 1)


def index(key: str, label: str, count: int, default: int = 0) -> int:
    """A number from 0 to count − 1, kept in the URL under its key.

    A value from before, when there was more to choose from, is brought into range first: a
    slider that is out of range breaks in the browser.
    """
    chosen = st.session_state.get(key)
    if isinstance(chosen, int) and chosen >= count:
        st.session_state[key] = count - 1
    if count == 1:
        st.slider(label, 0, 1, 0, key=f"{key}_only", disabled=True)
        return 0
    return int(st.slider(label, 0, count - 1, default, key=key, bind="query-params"))
