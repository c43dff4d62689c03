"""What if: one part of the model otherwise, and what that does."""

from functools import partial

import streamlit as st

from gptviz.app import choices
from gptviz.app.choices import Tab
from gptviz.app.frame import frame
from gptviz.subjects.what_if import controls, tabs

view = frame("what_if")
controls.presets()
change = controls.change(view)
if preset := controls.preset_of(view, change):
    st.info(preset.expect)
found = tabs.next_token(view, change)
if found is None:
    st.stop()
choices.tabs(
    {
        "text": Tab("What it goes on to write", partial(tabs.text, view, change)),
        "attention": Tab("Attention", partial(tabs.attention, view, change, found)),
        "each-head": Tab("Each head in turn", partial(tabs.each_head, view)),
    }
)
