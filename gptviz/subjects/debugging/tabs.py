"""What goes into each module of the network and comes out, and what it is made of."""

import streamlit as st

from gptviz import parameters
from gptviz.app import choices, look, show
from gptviz.app.frame import View
from gptviz.app.glossary import term
from gptviz.subjects.debugging import analysis, figures, sentences


def shapes(view: View) -> None:
    """The shapes of this run, from the ids to the logits."""
    layer = choices.layer(view.lm)
    table = look.look(analysis.walk, view.lm, view.trace)
    n_blocks = view.lm.config.n_layer
    st.markdown(sentences.of_walk(table, n_blocks))
    kept = [name == f"h.{layer}" or _passes(name, layer) for name in table["module"]]
    others = (
        f" The other {n_blocks - 1} blocks have the same shapes and are in the table only."
        if n_blocks > 1
        else ""
    )
    show.chart(
        figures.walk(table[kept], view.scheme),
        key="walk",
        name="shapes of this run",
        shape=(len(table),),
        how_to_read="read from above: each bar is how many numbers a module hands on, and over "
        "it stand its name and their shape, with an arrow where that changes. The axis multiplies. "
        "Most mistakes in a network of your own are shapes that do not fit, and this walk is the "
        "first thing to look at: where does a number stand that you did not expect? The first "
        "number of a shape is the batch, here one text (B); then come the tokens (T) or the "
        f"{term('head', 'heads')} (H). A module that is made of others stands before them, so "
        f"h.{layer} tells what the whole block hands on. The shapes were noted by a "
        f"{term('hook')} at each module, in a copy that has the same weights and makes scores and "
        f"pattern one after the other.{others}",
        table=table,
        code=view.code(analysis.walk, "table = walk(lm, trace)").drawn(
            figures.walk,
            "table[kept]",
            "name = table['module'] + '.'",
            f"kept = name.str.startswith('h.{layer}.') | ~name.str.startswith('h.')",
        ),
    )
    st.markdown(sentences.of_record(table, len(view.trace)))


def modules(view: View) -> None:
    """print(model) as a table and as a tree."""
    table = look.look(analysis.modules, view.lm)
    st.markdown(sentences.of_modules(table, parameters.count(view.lm.config)))
    show.chart(
        figures.modules(table, view.scheme),
        key="modules",
        name="parameters of each module",
        shape=(len(table),),
        how_to_read="each box is a module, as wide as it has parameters, and what it is made of "
        "lies below it. Click a box to make it as wide as the page, and the top one to come back. "
        "Modules without parameters have no box. From Python, `gptviz.debugging.modules(model)` "
        "gives this table of any PyTorch network, of your own, too.",
        table=table,
        code=view.code(analysis.modules, "table = modules(lm)").drawn(figures.modules),
    )
    st.markdown("**print(model), as a table**")
    st.dataframe(table, hide_index=True, key="modules_all", height=420)


def _passes(name: str, layer: int) -> bool:
    """Whether a module stands outside the blocks, or in the chosen one."""
    return not name.startswith("h.") or name.startswith(f"h.{layer}.")
