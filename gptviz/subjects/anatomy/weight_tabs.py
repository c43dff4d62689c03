"""The weights of the loaded model: every tensor, the numbers and the spectrum of one, norms."""

import pandas as pd
import streamlit as st

from gptviz.app import choices, look, show
from gptviz.app.frame import View
from gptviz.subjects.anatomy import sentences, weight_figures, weights_analysis


def weights(view: View) -> None:
    """One tensor's histogram and spectrum, the norms by layer, and all tensors as a table."""
    lm = view.lm
    table = look.look_for_long(weights_analysis.tensors, lm, words="Reading all weights …")
    st.markdown(
        f"These are the weights of **{show.literal(lm.name)}** itself, the loaded model, whatever "
        f"shape is set above."
    )
    names = {
        row.name: f"{row.name}  ({row.shape})" for row in table.itertuples(index=False, name="Row")
    }
    name = choices.one_of_many("tensor", "Tensor", names)
    _histogram(view, name)
    if " × " in names[name]:
        _spectrum(view, name)
    _norms(view, table)
    st.markdown("**All tensors**")
    st.dataframe(table, hide_index=True, key="tensors", height=320)
    show.source(
        "*.weight, *.bias",
        (len(table),),
        "a row a tensor, in the order of the network. A matrix lies here as (outputs × inputs); "
        "norm is its length as one vector, the root of the sum of all squares.",
    )
    show.numbers(table, "tensors", view.code(weights_analysis.tensors, "table = tensors(lm)"))


def _histogram(view: View, name: str) -> None:
    table = look.look(weights_analysis.histogram, view.lm, name)
    tensor = view.lm.model.get_parameter(name)
    show.chart(
        weight_figures.histogram(table, name, view.scheme),
        key="weights_histogram",
        name=name,
        shape=tuple(tensor.shape),
        how_to_read="how its numbers are spread; each bar is the share of the numbers in it. The "
        "dashed line is what numbers of the same mean and spread would have, drawn from a normal "
        "distribution as those of matrices were before training: wider tails were learnt.",
        table=table,
        code=view.code(weights_analysis.histogram, f"table = histogram(lm, {name!r})").drawn(
            weight_figures.histogram, f"table, {name!r}"
        ),
    )


def _spectrum(view: View, name: str) -> None:
    try:
        found = look.look_for_long(
            weights_analysis.spectrum, view.lm, name, words="Finding the singular values …"
        )
    except ValueError as error:
        st.info(show.literal(f"No spectrum: {error}."))
        return
    tensor = view.lm.model.get_parameter(name)
    st.markdown(sentences.of_spectrum(found))
    show.chart(
        weight_figures.spectrum(found.values, (found.lowest, found.highest), view.scheme),
        key="weights_spectrum",
        name=f"singular values of {name}",
        shape=tuple(tensor.shape),
        how_to_read="a matrix stretches each direction by another factor, its singular values; "
        "here they stand from the largest to the smallest. The grey band is where all of those of "
        "a random matrix of this shape and spread would lie (Marchenko and Pastur, 1967).",
        table=weights_analysis.spectrum_table(found),
        code=view.code(
            weights_analysis.spectrum,
            "from gptviz.subjects.anatomy.weights_analysis import spectrum_table",
            f"found = spectrum(lm, {name!r})",
            "table = spectrum_table(found)",
        ).drawn(weight_figures.spectrum, "found.values, (found.lowest, found.highest)"),
    )


def _norms(view: View, tensors: pd.DataFrame) -> None:
    table = weights_analysis.norms(tensors)
    st.markdown(f"**Norms by layer.** {sentences.of_norms(table)}")
    if table.empty:
        return
    show.chart(
        weight_figures.norms(table, view.scheme),
        key="weights_norms",
        name="norms of h.*.attn.c_attn, attn.c_proj, mlp.c_fc, mlp.c_proj",
        shape=(len(table), len(table.columns) - 1),
        how_to_read="the length of each of a layer's matrices, as one vector. Matrices of "
        "different sizes do not compare: a larger one has a larger norm with numbers as large.",
        table=table,
        code=view.code(
            weights_analysis.norms,
            "from gptviz.subjects.anatomy.weights_analysis import tensors",
            "table = norms(tensors(lm))",
        ).drawn(weight_figures.norms),
    )
