"""Training: a model learns from a text, and every number of it can be watched."""

from functools import partial

import streamlit as st

from gptviz.app import choices
from gptviz.app.choices import Tab
from gptviz.app.frame import frame_without_prompt
from gptviz.subjects.gradients import tabs as gradients
from gptviz.subjects.induction import tabs as induction
from gptviz.subjects.time_machine import tabs as time_machine
from gptviz.subjects.training import compare_tabs, gallery_tabs, live, runs, setup, tabs

scheme = frame_without_prompt("training")
new = st.container()
run = runs.choose()
with new:
    draft = setup.form(is_open=run is None)

if run:
    live.watch(run, scheme)
    runs.open_elsewhere(run)
    choices.tabs(
        {
            "samples": Tab("Samples", partial(tabs.samples, run)),
            "health": Tab("Health", partial(tabs.verdict, run)),
            "time-machine": Tab("Time machine", partial(time_machine.tab, run)),
            "gradients": Tab(
                "Gradients", partial(gradients.gradients, run, scheme), gradients.KEYS
            ),
            "induction": Tab("Induction heads", partial(induction.birth, run, scheme)),
        }
    )

st.header("All runs")
choices.tabs(
    {
        "list": Tab("List", runs.table),
        "compare": Tab("Compare", partial(compare_tabs.compare, run, scheme), compare_tabs.KEYS),
        "experiments": Tab(
            "Experiments",
            partial(compare_tabs.experiment, draft, scheme),
            compare_tabs.EXPERIMENT_KEYS,
        ),
        "failures": Tab(
            "Failure gallery", partial(gallery_tabs.gallery, scheme), gallery_tabs.KEYS
        ),
        "induction-lesson": Tab(
            "Induction lesson", partial(gallery_tabs.induction_lesson, scheme, induction.birth)
        ),
    },
    key="runs_tab",
)
