"""Activation functions as curves, and this text's hidden units below 0."""

import numpy as np
import streamlit as st

from gptviz.app import choices, show
from gptviz.app.chips.chips import choose_token
from gptviz.app.code import Code
from gptviz.app.frame import View
from gptviz.app.glossary import term
from gptviz.app.powers import fixed
from gptviz.app.theme import Scheme
from gptviz.subjects.gelu_and_relu import analysis, figures

LOW, HIGH = -3.0, 3.0
PLACES = {f"{tenth / 10:g}": f"{tenth / 10:g}".replace("-", "−") for tenth in range(-30, 31)}
FUNCTIONS = figures.NAMES
KINDS = {
    "function": ("The function", "what comes out", FUNCTIONS),
    "slope": (
        "Its slope",
        "slope",
        {f"{column} slope": name for column, name in FUNCTIONS.items()},
    ),
    "error": ("tanh − exact", "difference", {"error": "GELU with tanh, less the exact one"}),
}
SAID = {
    "function": "just below 0, GELU lets a little through and ReLU nothing. Both leave large "
    "numbers as they are. **ReLU** cuts off all that is below 0. **GELU** bends softly: it dips "
    "to −0.17 at x = −0.75 and comes back to 0 further left, so a number just below 0 still says "
    "something. The exact GELU and GPT-2's with tanh lie on each other; choose the third picture "
    "to tell them apart.",
    "slope": "left of 0 the slope of ReLU is 0, and that of GELU is not. The slope says how much "
    "of a correction passes back through the function while the model learns. A neuron with ReLU "
    "that is below 0 for every text learns nothing ever again. The slope of GELU is below 0 left "
    "of −0.75, and around 1.4 it is above 1.",
    "error": "the two GELUs differ by less than 0.0005 anywhere. GPT-2 computes GELU with a tanh, "
    "which was quicker at the time; still a model has to be used with the one it was trained with "
    "if its numbers are to come out the same to the last digits.",
}
KEYS = ("x", "curve_of")  # of the address
REACH = 4.0  # how far below 0 the hidden units are shown
OUTSIDE = (
    "No hidden unit of this token lies in the picture: all of them are below −4 or above 1. Choose "
    "another token or layer, or see all of them on the page MLP."
)
BROKEN = (
    "not everything that this model computes from this text is a number (NaN), so its hidden units "
    "stand nowhere on the curve; choose another model"
)


def curves(scheme: Scheme) -> None:
    """GELU, GELU with tanh and ReLU; their slopes; and how far the two GELUs differ."""
    places = st.columns([2, 3])
    with places[0]:
        kind = choices.one_of(
            "curve_of", "What is drawn", {slug: title for slug, (title, _, _) in KINDS.items()}
        )
    with places[1]:
        x = float(choices.one_in_order("x", "x: what comes in", PLACES, "-0.5"))
    here = analysis.at(x).iloc[0]
    st.markdown(
        f"At x = {fixed(x, 1)}: GELU gives **{fixed(here['exact'], 3)}**, ReLU "
        f"**{fixed(here['relu'], 3)}**. GELU keeps {100 * here['kept']:.1f} % of x, the share of "
        "a bell curve that lies below x."
    )
    _, title, columns = KINDS[kind]
    table = analysis.curves(LOW, HIGH)
    show.chart(
        figures.curves(table, columns, x, title, scheme),
        key="curves",
        name=", ".join(columns),
        shape=(len(table),),
        how_to_read=f"{SAID[kind]} {term('GELU')} is by Hendrycks and Gimpel (2016), "
        f"{term('ReLU')} older.",
        table=table,
        code=Code(analysis.curves, (f"table = curves({LOW}, {HIGH})",)).drawn(
            figures.curves, f"table, {columns!r}, {x!r}, {title!r}"
        ),
    )


def units(view: View) -> None:
    """The hidden units of a layer on one token, where they are below 0."""
    places = st.columns([1, 3], gap="large")
    with places[0]:
        layer = choices.layer(view.lm)
    with places[1]:
        position = choose_token(view.tokens, view.scheme)
    table = analysis.unit_table(view.trace, layer, position)
    if not np.isfinite(table["act"]).all():
        raise ValueError(BROKEN)
    found, own = analysis.below_zero(table), analysis.function_of(view.lm)
    name = FUNCTIONS[own]
    st.markdown(
        f"At “{show.literal(view.tokens[position])}”, **{found.count:,} of {found.of:,}** hidden "
        f"units of layer {layer} are below 0. Together they come to {fixed(found.before, 1)}; "
        f"after {name}, this model's own function, **{fixed(found.after, 1)}** is left of that, "
        f"and no unit is lower than {fixed(found.least, 3)}."
        + ("" if own == "relu" else " ReLU would leave nothing.")
    )
    if not figures.near_zero(table, REACH).any():
        st.info(OUTSIDE)
    show.chart(
        figures.units(table, analysis.curves(-REACH, figures.ABOVE_ZERO), own, REACH, view.scheme),
        key="units_below",
        name=f"h.{layer}.mlp.pre[{position}] → h.{layer}.mlp.act[{position}]",
        shape=(len(table),),
        how_to_read="below 0 a little comes through from each of many units. Each dot is one "
        "hidden unit at this token, before and after the model's own function. The picture shows "
        "the part below 0, where the functions differ; the page MLP has all of it. The last three "
        "columns of the numbers say what each function would make of the same unit; a model that "
        "was trained with another function would have other units.",
        table=table,
        code=view.code(
            analysis.unit_table, f"table = unit_table(trace, {layer}, {position})"
        ).drawn(
            figures.units,
            f"table, curves({-REACH}, {figures.ABOVE_ZERO}), {own!r}, {REACH}",
            "from gptviz.subjects.gelu_and_relu.analysis import curves",
        ),
    )
