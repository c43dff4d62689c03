"""Layer norms: one vector before and after, and what the network is without a norm."""

from functools import partial

import streamlit as st

from gptviz.app import choices
from gptviz.app.chips.chips import choose_token
from gptviz.app.choices import Tab
from gptviz.app.frame import frame
from gptviz.subjects.layer_norms import controls, stream_tabs, tabs

view = frame("layer_norms")
places = st.columns([1, 3], gap="large")
with places[0]:
    norm = controls.norm(view.lm)
with places[1]:
    position = choose_token(view.tokens, view.scheme)
if norm is None:
    st.info(tabs.NO_NORMS)
    stream_tabs.stream(view, None, position)
    st.stop()

tabs.before_and_after(view, norm, position)
choices.tabs(
    {
        "by-hand": Tab("By hand", partial(tabs.arithmetic, view, norm, position)),
        "parameters": Tab("γ and β", partial(tabs.parameters, view, norm)),
        "stream": Tab("The stream", partial(stream_tabs.stream, view, norm, position)),
        "without": Tab("Without this norm", partial(stream_tabs.without, view, norm, position)),
    }
)
