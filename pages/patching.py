"""Patching: a part of one run in the place of another's, to see what carries the difference."""

import streamlit as st

from gptviz.app.frame import frame
from gptviz.subjects.patching import tabs

view = frame("patching")
tabs.presets()
corrupted = tabs.second_text(view.prompt)
preset = tabs.preset_of(view, corrupted)
if preset:
    st.info(preset.found)
chosen = tabs.pair(view, corrupted, preset)
if chosen:
    tabs.restored(view, chosen)
