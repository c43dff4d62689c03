"""The text in the first view: it follows the sliders, and says what changed.

The picture is the explorer's; the text and its settings come to it in messages of their own, as
often as there is something new.
"""

import itertools
from collections.abc import Hashable, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from gptviz.app import allowance, component, dice, show
from gptviz.app.frame import View
from gptviz.app.glossary import term
from gptviz.subjects.sampling import texts
from gptviz.subjects.sampling.continuation_analysis import first_difference
from gptviz.subjects.sampling.tabs import recipe_code
from gptviz.subjects.sampling.text_analysis import Recipe, Written, text_table
from gptviz.subjects.sampling.texts import Text

CARRIER = component.register(Path(__file__).with_name("text.js"))
NUMBERS = itertools.count()
PROMPT_SHOWN = 300  # characters, from its end: a long one would push the text off the screen


@dataclass(frozen=True)
class Shown:
    """The last whole text that this browser showed."""

    where: Hashable  # model and prompt
    recipe: Recipe
    ids: Sequence[int]
    before: Sequence[int] | None  # the ids of the text before it, after the same prompt


class Book:
    """The text of a recipe in the first view of one browser.

    `more` goes along with it: the tag that stands for its prompt there, and the pieces of tokens
    that the rules removed.
    """

    def __init__(self, view: View, recipe: Recipe, more: Mapping[str, Any], place: DeltaGenerator):
        self.view, self.recipe, self.more, self.place = view, recipe, more, place
        self.text = texts.known(view.lm, recipe)
        self.is_finished = False
        where = (view.lm.digest, recipe.ids)
        last: Shown | None = st.session_state.get("book")
        if last is None or last.where != where:
            before = None
        else:
            before = last.before if last.recipe == recipe else last.ids
        self.shown = Shown(where, recipe, (), before)

    def open(self) -> None:
        """Show the text if somebody has had it written, or else that it is being written."""
        self._show(self.text)

    def finish(self, numbers: DeltaGenerator) -> None:
        """Write the text, with its numbers in their place, once; a superseded run ends here."""
        if self.is_finished:
            return
        self.is_finished = True
        self._write()
        with numbers:
            self._numbers()

    def _write(self) -> None:
        if self.text:
            return
        text = None
        try:
            with closing(texts.growing(self.view.lm, self.recipe)) as growing:
                for text in growing:
                    self._show(text)
        except allowance.UsedUpError as error:
            self._show(text, str(error))

    def _numbers(self) -> None:
        """The numbers behind the text, if it is written."""
        text = self.text or texts.known(self.view.lm, self.recipe)
        if text:
            show.source(
                "probabilities of each step",
                (len(text.tokens), self.view.lm.config.vocab_size),
                f"the text above, token by token. Same {term('seed')}, same text: the dice fall "
                "alike each time, so what changes comes from the settings.",
            )
            recipes = {"these settings": self.recipe}
            table = partial(text_table, {"these settings": text.tokens})
            show.numbers(table, "text", recipe_code(self.view, recipes))

    def _show(self, text: Text | None, problem: str = "") -> None:
        tokens = text.tokens if text else []
        done = text is not None and text.done
        ends = done or bool(problem)
        data = message(self.view, self.recipe, tokens, self.shown.before, ends)
        with self.place.container():
            # A browser passes over a message that is equal to an earlier one.
            CARRIER(data={"number": next(NUMBERS), **self.more, **data})
            if text and text.problem:
                show.failure(text.problem)
            if problem:
                show.note(problem)
        if done:
            ids = [token.id for token in tokens]
            st.session_state["book"] = replace(self.shown, ids=ids)


def message(
    view: View,
    recipe: Recipe,
    tokens: Sequence[Written],
    before: Sequence[int] | None,
    done: bool,
) -> dict[str, Any]:
    """What the browser needs of a text; `before` holds the ids of the one to compare it with."""
    parting = None
    if before is not None:
        parting = first_difference(before, [token.id for token in tokens])
        if parting == len(tokens) and not done:
            parting = None  # as far as it is written, it is the same
    return {
        "settings": dice.plain(recipe.settings),
        "seed": recipe.seed,
        "prompt": view.prompt[-PROMPT_SHOWN:],
        "cut": len(view.prompt) > PROMPT_SHOWN,
        "tokens": [asdict(token) for token in tokens],
        "length": recipe.length,
        "compared": before is not None,
        "parting": parting,
        "done": done,
    }
