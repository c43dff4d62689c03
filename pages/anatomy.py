"""Anatomy: where a model keeps its numbers, what they take, and what they are."""

from functools import partial

import streamlit as st

from gptviz.app import choices
from gptviz.app.choices import Tab
from gptviz.app.frame import frame
from gptviz.subjects.anatomy import controls, tabs, weight_tabs

view = frame("anatomy")
shape = controls.shape(view.lm)
if shape is None:
    st.stop()

choices.tabs(
    {
        "parts": Tab("Parts", partial(tabs.parts, view, shape)),
        "family": Tab("Family", partial(tabs.family, view, shape)),
        "memory": Tab("Memory", partial(tabs.memory, view, shape)),
        "work": Tab("Work", partial(tabs.work, view, shape)),
        "weights": Tab("Its weights", partial(weight_tabs.weights, view), keys=("tensor",)),
    }
)
