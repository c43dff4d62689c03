"""Do it by hand: five exercises with the numbers of this run, checked step by step."""

from functools import partial

import streamlit as st

from gptviz.app import choices
from gptviz.app.chips.chips import choose_token
from gptviz.app.choices import Tab
from gptviz.app.frame import frame
from gptviz.subjects.by_hand import tabs

view = frame("by_hand")
places = st.columns([1, 1, 3], gap="medium")
with places[0]:
    layer = choices.layer(view.lm)
with places[1]:
    head = choices.head(view.lm)
with places[2]:
    position = choose_token(view.tokens, view.scheme)

choices.tabs(
    {
        "attention": Tab("Attention", partial(tabs.attention, view, layer, head, position)),
        "layer-norm": Tab("Layer norm", partial(tabs.layer_norm, view, layer, position)),
        "gelu": Tab("GELU", partial(tabs.activation, view, layer, position)),
        "softmax": Tab("Softmax", partial(tabs.softmax, view, position)),
        "cross-entropy": Tab("Loss", partial(tabs.cross_entropy, view, position)),
    }
)
