"""MLP: the hidden units of a layer, what each reads for and writes, and how many are active."""

from functools import partial

import streamlit as st

from gptviz.app import choices
from gptviz.app.chips.chips import choose_token
from gptviz.app.choices import Tab
from gptviz.app.frame import frame
from gptviz.subjects.mlp import tabs

view = frame("mlp")
places = st.columns([1, 3], gap="large")
with places[0]:
    layer = choices.layer(view.lm)
with places[1]:
    position = choose_token(view.tokens, view.scheme)

choices.tabs(
    {
        "units": Tab("Hidden units", partial(tabs.at_work, view, layer, position)),
        "neuron": Tab(tabs.ONE_NEURON, partial(tabs.one_neuron, view, layer, position)),
        "active": Tab("Active units", partial(tabs.active, view, layer, position)),
    }
)
