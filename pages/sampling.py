"""Sampling: from a probability for every token to one token, and on to a text."""

from functools import partial

import streamlit as st

from gptviz.analysis.sampling import is_drawable
from gptviz.ui import parts, resources, sampling_controls, sampling_tabs, writing_tabs
from gptviz.ui.components.sampling_explorer import sampling_explorer
from gptviz.ui.frame import frame

view = frame("sampling")
settings = sampling_controls.settings()
logits = resources.next_logits(view.lm, view.ids, view.waiting)
if not is_drawable(logits):
    parts.problem(
        "There is nothing to draw the next token from: what this model says of it is not all "
        "numbers. Choose another model."
    )
    st.stop()
sampling_explorer(view, logits, settings)
parts.source(
    f"logits[{len(view.ids) - 1}]",
    (view.lm.config.vocab_size,),
    "the token after your text. The rules run in the order of the table; each acts on what the one "
    "before it left over, and all probabilities are computed over the whole vocabulary. In the "
    "page's address, top_k=0, top_p=1 and repetition_penalty=1 mean off.",
)
sampling_tabs.numbers(view, logits, settings)

seed = sampling_controls.seed()
parts.tabs(
    "details",
    {
        "Write": partial(writing_tabs.write, view, settings, seed),
        "Two settings": partial(writing_tabs.compare, view, settings, seed),
        "Draw many": partial(sampling_tabs.draw_many, view, logits, settings, seed),
        "Stage by stage": partial(sampling_tabs.stage_by_stage, view, logits, settings),
    },
)
