"""Training: a model learns from a text, and every number of it can be watched."""

from functools import partial

import streamlit as st

from gptviz.ui import (
    parts,
    time_machine,
    training_gallery,
    training_inside,
    training_live,
    training_many,
    training_runs,
    training_setup,
    training_tabs,
)
from gptviz.ui.frame import frame_without_prompt

around = frame_without_prompt("training")
new = st.container()
run = training_runs.choose()
with new:
    draft = training_setup.form(is_open=run is None or run.is_shipped)

if run:
    training_live.watch(run, around.scheme)
    training_runs.open_elsewhere(run)
    parts.tabs(
        "about_run",
        {
            "Samples": partial(training_tabs.samples, run),
            "Health": partial(training_tabs.verdict, run),
            "Time machine": partial(time_machine.tab, run),
            "Gradients": partial(training_inside.gradients, run, around.scheme),
            "Induction heads": partial(training_inside.induction, run, around.scheme),
        },
    )

st.subheader("All runs")
parts.tabs(
    "many_runs",
    {
        "List": training_runs.table,
        "Compare": partial(training_many.compare, run, around.scheme),
        "Experiments": partial(training_many.experiment, draft, around.scheme),
        "Failure gallery": partial(training_gallery.gallery, around.scheme),
        "Induction lesson": partial(training_gallery.induction_lesson, around.scheme),
    },
)
