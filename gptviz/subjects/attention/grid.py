"""All heads of all layers at a glance, drawn on one canvas; a click chooses a head."""

import streamlit as st
from torch import Tensor

from gptviz.app import component
from gptviz.app.save import file_name
from gptviz.app.theme import Scheme
from gptviz.subjects.attention import drawn_figures

COMPONENT = component.register(__file__, '<div class="heads"></div>')


def attention_grid(patterns: Tensor, chosen: tuple[int, int], scheme: Scheme) -> None:
    """Draw the patterns (n_layer, H, T, T); a click on a head chooses its layer and head.

    Not-a-number is drawn as 0. Arrow keys move from head to head, Enter chooses. Beyond 64
    tokens a dot is the largest weight of a square block.
    """

    def choose() -> None:
        layer, head = st.session_state["attention_grid"]["head"]
        st.session_state["layer"], st.session_state["head"] = int(layer), int(head)

    data = drawn_figures.grid(patterns, chosen, scheme, file_name("heads"))
    COMPONENT(key="attention_grid", data=data, on_head_change=choose)
