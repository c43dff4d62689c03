"""The gradients that one text makes, layer by layer, beside the range that is called healthy."""

import pandas as pd
import streamlit as st

from gptviz.app import choices, look, show, typed
from gptviz.app.frame import View
from gptviz.app.glossary import term
from gptviz.subjects.debugging import figures, gradient_analysis, sentences

KEYS = ("whose", "gradient_by", "fresh_seed")  # of the address
WHOSE = {
    "loaded": "loaded",
    "fresh": "fresh, never trained",
    "no-norms": "fresh, no norms",
    "no-shortcuts": "fresh, no shortcuts",
    "neither": "fresh, no norms, no shortcuts",
}
MEASURES = {"norm": "norm", "mean-absolute": "mean absolute value"}
COLUMNS = {"norm": "norm", "mean-absolute": "mean absolute"}

DIGITS = {
    name: st.column_config.NumberColumn(format="%.3g")
    for name in ("norm", "mean absolute", "mean", "spread")
}


def gradients(view: View) -> None:
    """How strongly the text pulls at each part of the model."""
    whose = choices.pill("whose", "The model", WHOSE)
    places = st.columns([4, 1])
    with places[0]:
        measure = choices.one_of("gradient_by", "What is measured", MEASURES)
    seed = 0
    if whose != "loaded":
        with places[1]:
            seed = typed.seed("fresh_seed")
    table = look.look_for_long(
        gradient_analysis.by_parameter,
        view.lm,
        view.ids,
        whose,
        seed,
        words="Going forward and back through the model …",
    )
    parts, norm = gradient_analysis.by_part(table), gradient_analysis.whole_norm(table)
    st.markdown(sentences.of_whole(table))
    call = _call(whose, seed)
    show.chart(
        figures.by_part(parts, COLUMNS[measure], view.scheme),
        key="gradients",
        name=f"{MEASURES[measure]} of ∂loss / ∂parameters",
        shape=(len(parts),),
        how_to_read="read from right to left, as a correction goes: it comes in at the logits and "
        "has to reach the first block. A healthy line stays about level; one that falls by powers "
        "of ten towards the left vanishes, and the blocks there will not learn. The "
        f"{term('gradient')} is that of the mean loss of your text's next tokens. The shaded range "
        f"of norms, {figures.HEALTHY[0]:g} to {figures.HEALTHY[1]:g}, is a rule of thumb for the "
        "whole gradient of a batch, not a law for a part: in runs that learn well, with norms "
        "before each of 12 blocks, parts went down to 0.014. A trained model that guesses your "
        "text well has small gradients, too, for there is little to correct. A norm grows with "
        "how many numbers a part has, and the mean absolute value does not; no range is drawn "
        "for it.",
        table=parts,
        code=view.code(
            gradient_analysis.by_part,
            "from gptviz.subjects.debugging.gradient_analysis import by_parameter",
            f"table = by_part({call})",
        ).drawn(figures.by_part, f"table, {COLUMNS[measure]!r}"),
    )
    st.markdown(sentences.of_parts(parts, norm))
    _by_type(view, table, call)
    _by_parameter(view, table, call)


def _by_type(view: View, table: pd.DataFrame, call: str) -> None:
    st.markdown("**By type of layer**")
    types = gradient_analysis.by_type(table)
    st.dataframe(types, hide_index=True, key="gradient_types", column_config=DIGITS)
    show.source(
        "∂loss / ∂parameters",
        (len(types),),
        "a row for all layers of a type together. Mean and spread (the standard deviation) are "
        "those of the single numbers: a mean far from 0 beside the spread would push all of them "
        "the same way.",
    )
    show.numbers(
        types,
        "gradient_types",
        view.code(
            gradient_analysis.by_type,
            "from gptviz.subjects.debugging.gradient_analysis import by_parameter",
            f"table = by_type({call})",
        ),
    )


def _by_parameter(view: View, table: pd.DataFrame, call: str) -> None:
    st.markdown("**Each parameter**")
    st.dataframe(
        table, hide_index=True, key="gradient_parameters", height=320, column_config=DIGITS
    )
    show.source(
        "∂loss / ∂parameter",
        (len(table),),
        "a row for each tensor that training adjusts, in the order of the network.",
    )
    code = view.code(gradient_analysis.by_parameter, f"table = {call}")
    show.numbers(table, "gradient_parameters", code)


def _call(whose: str, seed: int) -> str:
    chosen = "" if whose == "loaded" else f", {whose!r}, {seed}"
    return f"by_parameter(lm, trace.ids{chosen})"
