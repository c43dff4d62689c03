"""Weights of attention with and without the division: of random vectors, and of this text's."""

import math

import numpy as np
import streamlit as st

from gptviz.app import choices, look, show, typed
from gptviz.app.chips.chips import choose_token
from gptviz.app.code import Code
from gptviz.app.frame import View
from gptviz.app.glossary import term
from gptviz.app.powers import fixed
from gptviz.app.theme import Scheme
from gptviz.subjects.root_d import analysis, figures

KEYS = ("d", "d_seed")  # of the address
SIZES = {str(d): f"{d:,}" for d in analysis.SIZES}
MOST = math.log(analysis.KEYS)  # nats: the entropy of equal weights
BROKEN = (
    "not everything that this model computes from this text is a number (NaN), so there is no "
    "score to divide; choose another model"
)


def random_vectors(scheme: Scheme) -> None:
    """A random query and random keys, and what becomes of their weights as d grows."""
    places = st.columns([3, 1])
    with places[0]:
        d = int(
            choices.one_in_order("d", "d: how many numbers a query and a key have", SIZES, "64")
        )
    with places[1]:
        seed = typed.seed("d_seed")
    table = look.look(analysis.random_scores, d, seed)
    grown = look.look(analysis.as_d_grows, seed)
    here = grown[grown["d"] == d].iloc[0]
    st.markdown(
        f"With d = {d:,}, scores spread by **{here['spread']:.1f}** without the division (√d is "
        f"{math.sqrt(d):.1f}) and by **{here['divided spread']:.1f}** with it. Of this query, one "
        f"key gets **{100 * table['weight'].max():.0f} %** without it and "
        f"**{100 * table['divided weight'].max():.0f} %** with it."
    )
    left, right = st.columns(2, gap="large")
    with left:
        show.chart(
            figures.weights(table, figures.NAMES, scheme),
            key="random_weights",
            name="softmax(q · k), softmax(q · k / √d)",
            shape=(analysis.KEYS,),
            how_to_read="make d larger: without the division nearly all attention goes to one key. "
            "Each pair of bars is one key that the query may look at; which of them gets all is an "
            "accident of random numbers. The query and its "
            f"{analysis.KEYS} keys are standard normal numbers.",
            table=table,
            code=Code(analysis.random_scores, (f"table = random_scores({d}, {seed})",)).drawn(
                figures.weights, "table, figures.NAMES"
            ),
        )
    with right:
        show.chart(
            figures.entropies(grown, d, MOST, scheme),
            key="as_d_grows",
            name="entropy of the weights",
            shape=(len(grown), analysis.DRAWS, analysis.KEYS),
            how_to_read="undivided, attention narrows as d grows; divided by √d it stays as wide "
            "as it was. High is attention spread over all keys, 0 is attention on one alone. The "
            f"{term('entropy')} is the mean over {analysis.DRAWS} random queries, in "
            f"{term('nats')}; ln {analysis.KEYS} = {MOST:.2f} is that of equal weights. Where one "
            f"key has nearly all, the {term('softmax')} hardly answers to a change, so hardly any "
            "gradient comes back: that "
            "is why Vaswani et al. (2017) divide.",
            table=grown,
            code=Code(analysis.as_d_grows, (f"table = as_d_grows({seed})",)).drawn(
                figures.entropies, f"table, {d}, {MOST!r}"
            ),
        )


def this_text(view: View) -> None:
    """One query of the text, with the keys that it may look at."""
    places = st.columns([1, 1, 3], gap="medium")
    with places[0]:
        layer = choices.layer(view.lm)
    with places[1]:
        head = choices.head(view.lm)
    with places[2]:
        position = choose_token(view.tokens, view.scheme)
    found = analysis.of_head(view.lm, view.trace, layer, head, position)
    if not np.isfinite(found.table["score"]).all():
        raise ValueError(BROKEN)
    root = math.isclose(found.divisor, math.sqrt(found.d))
    divided = f"√{found.d} = {found.divisor:.2f}" if root else f"{found.divisor:.2f}"
    st.markdown(
        f"“{show.literal(view.tokens[position])}” in L{layer} H{head}: this model divides by "
        f"**{divided}**, and its attention has an "
        f"{term('entropy')} of **{fixed(found.divided_entropy, 2)}** {term('nats')} over "
        f"{position + 1} token{'s' if position else ''}. Without the division it would be "
        f"**{fixed(found.entropy, 2)}**."
    )
    if found.divisor == 1:
        st.info("This head's scores are divided by 1, so the two are the same.")
    names = {"weight": "not divided", "divided weight": f"divided by {divided}: the model's own"}
    show.chart(
        figures.weights(found.table, names, view.scheme),
        key="text_weights",
        name=f"h.{layer}.attn.pattern[{head}, {position}]",
        shape=(position + 1,),
        how_to_read="without the division the highest bar grows at the cost of the others. Each "
        "pair of bars is one token that this query may look at. The model has learnt its queries "
        "and keys with the division, so what you see without it is not what a model that was "
        "trained without it would do: it could learn smaller vectors. On the page What if, the "
        "division can be taken out of a whole layer, and the text goes on to be written.",
        table=found.table,
        code=view.code(
            analysis.of_head, f"table = of_head(lm, trace, {layer}, {head}, {position}).table"
        ).drawn(figures.weights, f"table, {names!r}"),
    )
