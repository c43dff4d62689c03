"""The choices that live in the URL: layer, head and position, always within what there is."""

from collections.abc import Sequence

import streamlit as st

from gptviz.analysis.layer_norms import norm_names
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
    return index("position", "Position", len(view.ids), default=len(view.ids) - 1)


def stage(lm: LanguageModel) -> str:
    """Where vectors are read, as the name of an activation: wte, embed, or after a layer h.i."""
    layers = {f"after L{i}": f"h.{i}" for i in range(lm.config.n_layer)}
    stages = {"token": "wte", "token + position": "embed", **layers}
    if st.session_state.get("stage") not in stages:
        st.session_state.pop("stage", None)
    label = "Where the vectors are read"
    return stages[st.select_slider(label, list(stages), key="stage", bind="query-params")]


def choice(key: str, label: str, options: Sequence[str]) -> str:
    """One of a few words, the first unless chosen."""
    chosen = st.segmented_control(
        label, options, default=options[0], required=True, key=key, bind="query-params"
    )
    return chosen or options[0]  # an empty value in the URL chooses none


def one_of(key: str, label: str, positions: Sequence[int], tokens: Sequence[str]) -> int:
    """One of some positions of the prompt, shown with their tokens; the last unless chosen."""
    named = {f"{i} {tokens[i]}": i for i in positions}
    if st.session_state.get(key) not in named:
        st.session_state.pop(key, None)
    chosen = st.selectbox(label, list(named), len(named) - 1, key=key, bind="query-params")
    return named[chosen]


def norm(lm: LanguageModel) -> str | None:
    """Which layer norm, as its module's name; the last unless chosen. None if there is none.

    A norm of a layer that the model does not have gives way to the same kind in the last layer.
    """
    names = norm_names(lm.config)
    if not names:
        st.session_state.pop("norm", None)
        return None
    chosen = st.session_state.get("norm")
    if chosen is not None and chosen not in names:
        kind = str(chosen).rpartition(".")[-1]
        alike = [name for name in names if name.rpartition(".")[-1] == kind]
        st.session_state["norm"] = (alike or names)[-1]
    return st.selectbox("Layer norm", names, len(names) - 1, key="norm", bind="query-params")


def index(key: str, label: str, count: int, default: int = 0) -> int:
    """A number from 0 to count − 1, kept in the URL under its key.

    A value from before, when there was more to choose from, is brought into range first: a
    slider that is out of range breaks in the browser.
    """
    chosen = st.session_state.get(key)
    if isinstance(chosen, int) and not 0 <= chosen < count:
        st.session_state[key] = min(max(chosen, 0), count - 1)
    if count == 1:
        st.slider(label, 0, 1, 0, key=f"{key}_only", disabled=True)
        return 0
    return int(st.slider(label, 0, count - 1, default, key=key, bind="query-params"))
