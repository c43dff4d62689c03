"""Texts side by side that differ in one thing: their temperature, their preset, their settings."""

from collections.abc import Mapping
from contextlib import closing
from dataclasses import replace

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from gptviz.app import allowance, show
from gptviz.app.frame import View
from gptviz.subjects.sampling import controls, texts
from gptviz.subjects.sampling.analysis import PRESETS
from gptviz.subjects.sampling.columns import text_columns
from gptviz.subjects.sampling.measures_analysis import measure_table
from gptviz.subjects.sampling.tabs import recipe_code
from gptviz.subjects.sampling.text_analysis import Recipe, Written, at_temperatures, text_table

WHAT_PRESETS_DO = {
    "greedy": "always the likeliest word; it soon goes in circles",
    "conservative": "one of the 20 likeliest, and mostly the first of them",
    "balanced": "one of the 40 likeliest; how this page opens",
    "creative": "one of the 100 likeliest, and nearly as often a late one",
}
MEASURES = (
    "“2 tokens said before”: of all pairs of neighbours in this text, the share that had occurred "
    "in it earlier; likewise for 3 and 4. Words in capitals count as the same. A line is as long "
    "as it has characters."
)


class Comparing:
    """The texts of the open tab; they are written when all else stands on the page."""

    def __init__(self, view: View, recipe: Recipe):
        self.view, self.recipe = view, recipe
        self.recipes: Mapping[str, Recipe] = {}
        self.notes: Mapping[str, str] = {}
        self.place: DeltaGenerator | None = None

    def temperatures(self) -> None:
        """The same dice at five temperatures."""
        st.markdown(
            "**The same dice at five temperatures.** At 0 the likeliest token always wins, and "
            "the dice have no say; the higher it is, the more often an unlikely one comes. The "
            "other rules are those of the sliders."
        )
        self._open(at_temperatures(self.recipe), {})

    def presets(self) -> None:
        """The same dice with each preset."""
        st.markdown("**The same dice with each preset**, from the most careful to the boldest.")
        recipes = {
            name: replace(self.recipe, settings=settings) for name, settings in PRESETS.items()
        }
        self._open(recipes, WHAT_PRESETS_DO)

    def two_settings(self) -> None:
        """The same dice with the settings of the sliders and with others."""
        st.markdown(
            "**A** is what the sliders above say; choose **B** here (top-k 0 is off). Both throw "
            "the same dice, so whatever differs comes from the settings."
        )
        other = controls.other_settings()
        length, stop = controls.length_and_stops("compare", 100)
        one = replace(self.recipe, length=length, stop=stop)
        self._open({"A": one, "B": replace(one, settings=other)}, {})

    def _open(self, recipes: Mapping[str, Recipe], notes: Mapping[str, str]) -> None:
        self.recipes, self.notes, self.place = recipes, notes, st.empty()
        if all(texts.known(self.view.lm, recipe) for recipe in recipes.values()):
            self.write()
            self.place = None
        else:
            self._tell("Writing …", 0.0)  # where texts of other settings stood until now

    def write(self) -> None:
        """Write the texts of the open tab, one after the other, and show them together."""
        if self.place is None:
            return
        try:
            self._write(self.place)
        except allowance.UsedUpError as error:
            with self.place.container():
                show.note(str(error))

    def _write(self, place: DeltaGenerator) -> None:
        found: dict[str, list[Written]] = {}
        problems: dict[str, None] = {}
        for name, recipe in self.recipes.items():
            with closing(texts.growing(self.view.lm, recipe)) as growing:
                for text in growing:
                    if not text.done:
                        done = len(found) + len(text.tokens) / recipe.length
                        self._tell(f"Writing {name} …", done / len(self.recipes))
            found[name] = text.tokens
            if text.problem:
                problems[text.problem] = None
        with place.container():
            self._show(found)
            for problem in problems:
                show.failure(problem)

    def _tell(self, what: str, share: float) -> None:
        assert self.place is not None
        self.place.progress(min(share, 1.0), text=what)

    def _show(self, found: Mapping[str, list[Written]]) -> None:
        text_columns(self.view, self.recipes, self.notes, found)
        show.source(
            "probabilities of each step",
            (len(found), max(map(len, found.values())), self.view.lm.config.vocab_size),
            "what each of them writes after your text. Outlined is the first token that differs "
            "from the text to the left: from there on the model reads another text. Touch a token "
            "to see why it could be drawn.",
        )
        ids = {name: [token.id for token in tokens] for name, tokens in found.items()}
        st.dataframe(
            measure_table(self.view.lm.tokenizer, ids),
            hide_index=True,
            key="measures",
            width="content",
        )
        st.caption(MEASURES)
        show.numbers(text_table(found), "compared", recipe_code(self.view, self.recipes))
