"""Compare: two texts, two models or two steps of a run, side by side and as difference."""

from functools import partial

import streamlit as st

from gptviz.app import choices
from gptviz.app.choices import Tab
from gptviz.app.frame import frame
from gptviz.subjects.compare import attention_tabs, controls, lens_tabs, tabs
from gptviz.subjects.compare.sides import sides

view = frame("compare")
controls.cases()
other = controls.right(view)
if other is None:
    st.stop()
if preset := controls.preset_of(view, other):
    st.caption(preset.found)
both = sides(view, other)
choices.tabs(
    {
        "next": Tab("Next token", partial(tabs.next_token, both)),
        "attention": Tab("Attention", partial(attention_tabs.attention, both)),
        "lens": Tab("Lens", partial(lens_tabs.lens, both)),
        "neighbours": Tab("Neighbours", partial(tabs.neighbours, both)),
    }
)
