"""Training: a model learns from a text, and every number of it can be watched."""

import streamlit as st

from gptviz.ui import training_live, training_runs, training_setup, training_tabs
from gptviz.ui.frame import frame_without_prompt

around = frame_without_prompt("training")
new = st.container()
run = training_runs.choose()
with new:
    training_setup.form(is_open=run is None)

if run:
    training_live.watch(run, around.scheme)
    training_runs.open_elsewhere(run)
    for_run = {"Samples": training_tabs.samples, "Health": training_tabs.verdict}
    tabs = st.tabs([*for_run, "All runs"], key="about_run", bind="query-params")
    for tab, draw in zip(tabs, for_run.values(), strict=False):
        if tab.open:
            with tab:
                draw(run)
    if tabs[-1].open:
        with tabs[-1]:
            training_runs.table()
else:
    training_runs.table()
