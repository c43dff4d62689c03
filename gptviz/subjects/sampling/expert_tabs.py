"""To write like an expert: search without dice, rank texts, compare settings, measure time.

What takes long here may be stopped, and then the page ends there. So each tab calls `first` before
it: that finishes what stands above.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pandas as pd
import streamlit as st

from gptviz.app import choices, look, show
from gptviz.app.code import Code
from gptviz.app.frame import View
from gptviz.app.glossary import introduce, term
from gptviz.sampling import SamplingSettings
from gptviz.subjects.sampling import (
    batch_analysis,
    beam_analysis,
    cache_analysis,
    expert_figures,
    expert_sentences,
)
from gptviz.subjects.sampling.found_texts import found_texts

BEAM = ("beams", "beam_length")  # the keys of the address that are of one tab alone
RANKED = ("ranked_texts", "ranked_length", "ranked_by")
GRID = ("grid_by", "grid_measure")
CACHE = ("cache_length",)
First = Callable[[], None]
RANKINGS = {"mean": "Mean of ln p", "sum": "Sum of ln p"}
GRID_BY = {"top_k": "top-k", "top_p": "top-p"}
MEASURES = (
    f"**{term('distinct-n')}**: of all stretches of n tokens in the texts of a cell, the share "
    "that are different. **repetition**: of all stretches of 4 tokens, the share that the same "
    "text had said before. **mean log-probability**: ln p of a token by the model itself, before "
    f"any rule. **{term('entropy')}**: how open the choice was, after the rules; both in nats."
)


def beams(view: View, settings: SamplingSettings, first: First) -> None:
    """A search for likely texts, as a tree."""
    left, right = st.columns(2)
    with left:
        width = int(_in_order("beams", "Beams: beginnings that are kept", (1, 2, 3, 4, 6, 8), 4))
    with right:
        length = int(_in_order("beam_length", "Tokens", (5, 8, 12, 16, 20, 30), 12))
    ngram = settings.no_repeat_ngram_size
    asked = (view.lm, view.ids, length)
    first()
    found = look.look_for_long(beam_analysis.search, *asked, width, ngram, words="Searching …")
    greedy = look.look_for_long(beam_analysis.search, *asked, 1, ngram, words="Searching …")
    texts = beam_analysis.found_table(view.lm, found)
    alone = beam_analysis.found_table(view.lm, greedy)
    st.markdown(introduce(expert_sentences.of_search(texts, alone, width), "nats"))
    table = beam_analysis.tree_table(view.lm, found)
    lanes = beam_analysis.lanes([[kept.parent for kept in step] for step in found.steps])
    show.chart(
        expert_figures.tree(table, lanes, view.scheme),
        key="beam_tree",
        name="ln p of every beginning that was kept",
        shape=(len(found.steps), width),
        how_to_read="follow the orange line: it is the text whose tokens are likeliest together. "
        "At each step all kept beginnings try every token, and only the likeliest beginnings stay: "
        "dots lead to what was given up, a square ends a text. There are no dice here, and no "
        "temperature: what counts is the sum of ln p of all tokens, which is ln of the probability "
        f"of the whole text ({term('beam search')}). Of the rules above, only no-repeat n-grams "
        "holds.",
        table=table,
        code=view.code(
            beam_analysis.tree_table,
            "from gptviz.subjects.sampling.beam_analysis import search",
            f"found = search(lm, {view.ids!r}, {length}, {width}, {ngram})",
            "table = tree_table(lm, found)",
        ).drawn(
            expert_figures.tree,
            "table, lanes([[kept.parent for kept in step] for step in found.steps])",
            "from gptviz.subjects.sampling.beam_analysis import lanes",
        ),
    )
    found_texts(texts, "found")


def ranked(view: View, settings: SamplingSettings, seed: int, first: First) -> None:
    """Several texts of other dice, the likeliest first."""
    places = st.columns(3)
    with places[0]:
        n = int(_in_order("ranked_texts", "Texts", (3, 5, 10, 20), 10))
    with places[1]:
        length = int(_in_order("ranked_length", "Tokens of each", (10, 20, 40, 80), 20))
    with places[2]:
        by = choices.one_of("ranked_by", "Ranked by", RANKINGS)
    asked = (view.lm, view.ids, settings, n, length, seed)
    first()
    table = look.look_for_long(batch_analysis.ranked, *asked, words="Writing the texts …")
    st.markdown(expert_sentences.of_ranking(table))
    call = f"table = ranked(lm, ids, settings, {n}, {length}, {seed})"
    code = _code(view, settings, batch_analysis.ranked, call)
    shown = table.sort_values(by, ascending=False, kind="stable")
    show.chart(
        expert_figures.likelihoods(shown, by, view.scheme),
        key="ranked",
        name="ln p of the texts",
        shape=(len(table),),
        how_to_read="the shorter the bar, the likelier the text, in the model's own opinion "
        "before any rule. Each text is what this page's settings write with another seed; the "
        "orange one is greedy, without dice. The sum of ln p is the logarithm of the whole text's "
        "probability, and falls with each token, so that longer texts always look worse; the mean "
        f"does not, and e to minus the mean is the {term('perplexity')}.",
        table=table,
        code=code.drawn(
            expert_figures.likelihoods,
            f"shown, {by!r}",
            f"shown = table.sort_values({by!r}, ascending=False, kind='stable')",
        ),
    )
    found_texts(shown, "ranked_found")


def grid(view: View, settings: SamplingSettings, seed: int, first: First) -> None:
    """Measures of what is written at many settings."""
    by = choices.one_of("grid_by", "Temperature against", GRID_BY)
    measure = choices.pill("grid_measure", "Measure", expert_figures.GRID_TITLES, "distinct_2")
    rules = replace(settings, temperature=1.0, top_k=None, top_p=1.0)
    temperatures = batch_analysis.TEMPERATURES
    first()
    # Row by row, so that whoever has to stop in the middle goes on from there.
    rows = [
        look.look_for_long(
            *(batch_analysis.grid_row, view.lm, view.ids, by, rules, seed, temperature),
            words=f"Writing at temperature {temperature:g}, {i} of {len(temperatures)} …",
        )
        for i, temperature in enumerate(temperatures, 1)
    ]
    table = pd.concat(rows, ignore_index=True)
    st.markdown(introduce(expert_sentences.of_grid(table, by), "nats"))
    marked = batch_analysis.COURSE if by == "top_k" else {}
    if marked:
        course = ", ".join(f"{name} {t:g}/{k}" for name, (t, k) in marked.items())
        st.markdown(
            f"Outlined: what a course on GPTs calls {course} (temperature/top-k). The presets of "
            "this page are bolder."
        )
    call = f"table = grid(lm, ids, {by!r}, settings, {seed})"
    show.chart(
        expert_figures.grid(table, by, measure, [*marked.values()], view.scheme),
        key="grid",
        name=expert_figures.GRID_TITLES[measure],
        shape=(len(batch_analysis.TEMPERATURES), len(batch_analysis.GRIDS[by])),
        how_to_read=f"each cell is {batch_analysis.TEXTS} texts of {batch_analysis.LENGTH} tokens "
        f"after your text, with that temperature and that limit; the dice are the same in all. "
        f"{MEASURES} No measure says how good a text is: high repetition is surely bad, "
        "and high variety may be nonsense.",
        table=table,
        code=_code(view, rules, batch_analysis.grid, call).drawn(
            expert_figures.grid, f"table, {by!r}, {measure!r}, {[*marked.values()]!r}"
        ),
    )


def cache(view: View, settings: SamplingSettings, seed: int, first: First) -> None:
    """The same text with the key/value cache and without, measured at the press of a button."""
    length = int(_in_order("cache_length", "Tokens to write", (20, 50, 100, 200), 50))
    asked: dict[Any, int] = st.session_state.setdefault("cache_measured", {})
    key = (view.lm.digest, view.ids, settings, length, seed)
    number = asked.get(key, 0)
    st.button(
        "Measure again" if number else "Measure both",
        key="measure_cache",
        on_click=asked.update,
        args=({key: number + 1},),
    )
    if not number:
        st.markdown(
            f"To write a token, the model needs the {term('query, key, value', 'keys and values')} "
            "of all tokens before it. **With the cache** it keeps them, and reads one token at a "
            "time. **Without**, it reads the whole text again for each new token. Both write the "
            "same text; the button measures how long each takes on this machine."
        )
        return
    first()
    table = look.look_for_long(
        *(cache_analysis.measured, view.lm, view.ids, settings, length, seed, number),
        words="Writing with the cache, then without …",
    )
    if table.empty:
        st.info("This text ended at once, so there is nothing to measure.")
        return
    st.markdown(expert_sentences.of_times(table))
    show.chart(
        expert_figures.times(table, view.scheme),
        key="cache",
        name="seconds a token",
        shape=(len(table), 2),
        how_to_read="with the cache, one token is read at each step; without, the whole text, "
        "which takes longer the longer it is. Spikes are whatever else this machine did. The first "
        "token reads your whole text either way. Where the text is as long as the model's context, "
        "its older half is forgotten, and what is left is read again.",
        table=table,
        code=_code(
            view,
            settings,
            cache_analysis.measured,
            f"table = measured(lm, ids, settings, {length}, {seed})",
        ).drawn(expert_figures.times),
    )


def _in_order(key: str, label: str, numbers: tuple[int, ...], default: int) -> str:
    options: Mapping[str, str] = {str(number): str(number) for number in numbers}
    return choices.one_in_order(key, label, options, str(default))


def _code(view: View, settings: SamplingSettings, function: Callable[..., Any], line: str) -> Code:
    return Code(
        function,
        (
            "from gptviz.sampling import SamplingSettings",
            f"lm = gptviz.load({view.lm.name!r})",
            f"ids = lm.ids({view.written!r})",
            f"settings = {settings!r}",
            line,
        ),
    )
