"""Sampling: from a probability for every token to one token, and on to a text."""

from functools import partial

import streamlit as st

from gptviz.app import choices, dice, look, show
from gptviz.app.choices import Tab
from gptviz.app.frame import frame
from gptviz.language_model import LanguageModel
from gptviz.sampling import stages
from gptviz.subjects.sampling import comparing_tabs, tabs, writing_tabs
from gptviz.subjects.sampling import expert_tabs as expert
from gptviz.subjects.sampling.analysis import is_drawable
from gptviz.subjects.sampling.book import Book
from gptviz.subjects.sampling.explorer import removed, sampling_explorer
from gptviz.subjects.sampling.text_analysis import Recipe

view = frame("sampling")
settings = dice.settings()
logits = look.look(LanguageModel.next_logits, view.lm, view.ids)
if not is_drawable(logits):
    show.problem(
        "There is nothing to draw the next token from: its probabilities in this model are NaN "
        "(not a number). Choose another model."
    )
    st.stop()
found = stages(logits, view.ids, settings)
first_view = st.container(gap=None)
seed = dice.seed()
recipe = Recipe(view.ids, settings, seed)
with first_view:
    tag = sampling_explorer(view, logits)
    more = {"tag": tag, "removed": removed(view.lm.tokenizer, found)}
    book = Book(view, recipe, more, st.empty())
book.open()
tabs.numbers(view, logits, settings, found)
first = partial(book.finish, st.container())

comparing = comparing_tabs.Comparing(view, recipe)
asked = (view, settings, seed, first)
choices.tabs(
    {
        "write": Tab("Write on", partial(writing_tabs.write, *asked)),
        "beams": Tab("Beam search", partial(expert.beams, view, settings, first), expert.BEAM),
        "ranked": Tab("Ranked texts", partial(expert.ranked, *asked), expert.RANKED),
        "grid": Tab("Grid of settings", partial(expert.grid, *asked), expert.GRID),
        "cache": Tab("Key/value cache", partial(expert.cache, *asked), expert.CACHE),
        "temperatures": Tab("Five temperatures", comparing.temperatures),
        "presets": Tab("Presets", comparing.presets),
        "two-settings": Tab("Two settings", comparing.two_settings),
        "draw-many": Tab("Draw many", partial(tabs.draw_many, view, settings, found, seed)),
        "stages": Tab(
            "Stage by stage", partial(tabs.stage_by_stage, view, logits, settings, found)
        ),
    },
)
first()  # late, so that nothing else waits for it
comparing.write()
