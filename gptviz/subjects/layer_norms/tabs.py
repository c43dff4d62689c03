"""One layer norm: its main picture, and the tabs about what it computes and has learnt."""

import numpy as np
import streamlit as st

from gptviz.app import show
from gptviz.app.frame import View
from gptviz.app.glossary import term
from gptviz.config import GPTConfig
from gptviz.subjects.layer_norms import figures, sentences
from gptviz.subjects.layer_norms.analysis import (
    ERROR_LIMIT,
    ByHand,
    by_hand,
    largest,
    parameter_table,
    summands,
)

FIRST = 8  # dimensions shown of the arithmetic

NO_NORMS = (
    'This model was built without layer norms (norm="none"), so there is none to look into. This '
    "is how its residual stream changes instead."
)
WHERE = {
    ("pre", "ln_f"): "`{norm}` stands after the last block. It reads the {stream} {read}; "
    "its output is compared with every token of the vocabulary, which gives the logits.",
    ("pre", "ln_1"): "`{norm}` stands before attention of layer {layer}. It reads the {stream} "
    "{read} and hands its output to attention; {goes_on}.",
    ("pre", "ln_2"): "`{norm}` stands before the MLP of layer {layer}. It reads the {stream} "
    "{read} and hands its output to the MLP; {goes_on}.",
    ("post", "ln_1"): "`{norm}` stands after attention of layer {layer}. It reads the sum {read}, "
    'and its output is the new {stream} (norm="post", as in the Transformer of 2017).',
    ("post", "ln_2"): "`{norm}` stands after the MLP of layer {layer}. It reads the sum {read}, "
    'and its output is the new {stream} (norm="post", as in the Transformer of 2017).',
}


def where(config: GPTConfig, norm: str) -> str:
    """Where a norm stands in the network, and what it reads, in words."""
    read = " + ".join(f"`{name}`" for name in summands(config, norm))
    *block, kind = norm.split(".")
    layer = block[-1] if block else ""
    stream = term("residual stream")
    goes_on = (
        "the stream itself goes on unchanged"
        if config.residual
        else "what comes of it takes the place of the stream, as this model has no shortcuts"
    )
    return WHERE[config.norm, kind].format(
        norm=norm, read=read, layer=layer, stream=stream, goes_on=goes_on
    )


def before_and_after(view: View, norm: str, position: int) -> None:
    """The chosen token's vector before the norm, normalised, and after the norm."""
    found = by_hand(view.lm, view.trace, norm, position)
    columns = {"before": "x", "normalised": "÷ √(var + ε)", "after": "recorded"}
    values = {step: found.table[column].to_numpy() for step, column in columns.items()}
    read = " + ".join(f"{name}[{position}]" for name in summands(view.lm.config, norm))
    show.chart(
        figures.before_and_after(values, found.moments, view.scheme),
        key="before_and_after",
        name=f"{read} → {norm}[{position}]",
        shape=(view.lm.config.n_embd,),
        how_to_read=f"the vector of token {position} “{show.literal(view.tokens[position])}”: how "
        "many of its numbers have each value; a mark below 0 is one number. Dotted: the mean; "
        "grey: one standard deviation (√variance) on both sides. Normalising changes the scale "
        "and not the shape; γ and β can change the shape.",
        table=found.table.rename(columns={"recorded": norm}),
        code=view.code(
            by_hand,
            f"found = by_hand(lm, trace, {norm!r}, {position})",
            f"table = found.table.rename(columns={{'recorded': {norm!r}}})",
        ).drawn(
            figures.before_and_after,
            "values, found.moments",
            f"columns = {columns!r}",
            "values = {step: found.table[columns[step]].to_numpy() for step in columns}",
        ),
    )
    told = show.literal(sentences.spread(found.moments, view.tokens[position]))
    st.markdown(f"{told} {where(view.lm.config, norm)}")


def arithmetic(view: View, norm: str, position: int) -> None:
    """The norm of one token, step by step."""
    found = by_hand(view.lm, view.trace, norm, position)
    st.code(_sums(found), language=None)
    short = {"dimension": "dim.", "÷ √(var + ε)": "× scale", "recorded": norm}
    table = found.table.rename(columns=short).head(FIRST)
    st.dataframe(table.style.format(precision=4), hide_index=True, key="steps")
    show.source(
        f"{norm}[{position}]",
        (len(found.table),),
        f"the first {len(table)} of {len(found.table)} dimensions. Each column continues the one "
        f"before it: x − mean, then × scale, then × γ, then + β. Recorded in this run: x, "
        f"{norm}.scale, {norm}.normalized (the column × scale) and the norm's output (the last).",
    )
    sign = "✅" if found.holds else "❌"
    st.markdown(
        f"{sign} Computed by hand, and by the model: over all "
        f"{len(found.table)} dimensions the largest difference is {found.error:.1e}; "
        f"{ERROR_LIMIT:.0e} is allowed for rounding (of a number above 1, as a share of it)."
    )


def parameters(view: View, norm: str) -> None:
    """What the norm has learnt: γ and β, and their largest dimensions."""
    table = parameter_table(view.lm, norm)
    show.chart(
        figures.parameters(table["γ"].to_numpy(), table["β"].to_numpy(), view.scheme),
        key="parameters",
        name=f"{norm}.weight (γ), {norm}.bias (β)",
        shape=(len(table),),
        how_to_read="how many dimensions have a γ or a β of each size; a mark below 0 is one "
        "dimension. They are the same for every token and every text. Training starts with every "
        "γ at 1 and every β at 0 (dotted lines), so the distance from there was learnt.",
        table=table,
        code=view.code(parameter_table, f"table = parameter_table(lm, {norm!r})").drawn(
            figures.parameters, 'table["γ"].to_numpy(), table["β"].to_numpy()'
        ),
    )
    for column, name in zip(st.columns(2, gap="large"), ("γ", "β"), strict=True):
        with column:
            st.markdown(f"The dimensions with the largest **{name}**, whatever its sign")
            st.dataframe(
                largest(table, name).style.format(precision=4),
                hide_index=True,
                key=f"largest_{name}",
            )


def _sums(found: ByHand) -> str:
    """Mean, variance and scale with the first numbers that go into them."""
    C = len(found.table)
    mean, variance = (float(found.moments[name].iloc[0]) for name in ("mean", "variance"))
    more = " + …" if C > 3 else ""
    values = " + ".join(_bracketed(x) for x in found.table["x"].head(3))
    squares = " + ".join(f"{_bracketed(x)}²" for x in found.table["x − mean"].head(3))
    epsilon = np.format_float_positional(found.epsilon, trim="-")
    return (
        f"mean  = ({values}{more}) ÷ {C} = {mean:.5g}\n"
        f"var   = ({squares}{more}) ÷ {C} = {variance:.5g}\n"
        f"scale = 1 ÷ √(var + ε) = 1 ÷ √({variance:.5g} + {epsilon}) = {found.scale:.5g}"
    ).replace("-", "−")


def _bracketed(x: float) -> str:
    return f"({x:.4f})" if x < 0 else f"{x:.4f}"
