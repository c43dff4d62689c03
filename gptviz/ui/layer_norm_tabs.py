"""The details below a layer norm's picture, one function a tab; each runs only when opened."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np
import pandas as pd
import streamlit as st

from gptviz.analysis import stream as streams
from gptviz.analysis.layer_norms import (
    ERROR_LIMIT,
    ByHand,
    by_hand,
    largest,
    likeliest_table,
    summands,
)
from gptviz.config import GPTConfig
from gptviz.figures import layer_norms as figures
from gptviz.figures.stream import lengths_compared, norms_by_stage, spread_by_stage
from gptviz.ui import parts, resources
from gptviz.ui.frame import View

FIRST = 8  # dimensions shown of the arithmetic

NO_NORMS = (
    'This model was built without layer norms (norm="none"), so there is none to look into. This '
    "is how its residual stream changes instead."
)
STAGES = (
    "From left to right: the stream before block 0 (embed), then after attention and after the MLP "
    "of each layer."
)


def place(config: GPTConfig, norm: str) -> str:
    """Where a norm stands in the network, and what it reads, in words."""
    read = " + ".join(f"`{name}`" for name in summands(config, norm))
    if norm == "ln_f":
        return (
            f"`ln_f` stands after the last block. It reads the residual stream {read}; its output "
            f"is compared with every token of the vocabulary, which gives the logits."
        )
    _, layer, kind = norm.split(".")
    part = "attention" if kind == "ln_1" else "the MLP"
    if config.norm == "post":
        return (
            f"`{norm}` stands after {part} of layer {layer}. It reads the sum {read}, and its "
            f'output is the new residual stream (norm="post", as in the Transformer of 2017).'
        )
    return (
        f"`{norm}` stands before {part} of layer {layer}. It reads the residual stream {read} and "
        f"hands its output to {part}; the stream itself goes on unchanged."
    )


def arithmetic(view: View, norm: str, position: int) -> None:
    """The norm of one token, step by step."""
    found = by_hand(view.lm, view.trace, norm, position)
    st.code(_sums(found), language=None)
    short = {"dimension": "dim.", "÷ √(var + ε)": "× scale", "recorded": norm}
    table = found.table.rename(columns=short).head(FIRST)
    st.dataframe(table.style.format(precision=4), hide_index=True, key="steps")
    parts.source(
        f"{norm}[{position}]",
        (len(found.table),),
        f"the first {len(table)} of {len(found.table)} dimensions. Each column continues the one "
        f"before it: x − mean, then × scale, then × γ, then + β. Of this run are x, {norm}.scale, "
        f"{norm}.normalized in the column × scale, and the last column, the norm's output.",
    )
    st.markdown(
        f"{'✅' if found.holds else '❌'} Computed by hand, and by the model: over all "
        f"{len(found.table)} dimensions the largest difference is {found.error:.1e}; "
        f"{ERROR_LIMIT:.0e} is allowed for rounding (of a number above 1, as a share of it)."
    )


def parameters(view: View, norm: str, position: int) -> None:
    """What the norm has learnt: γ and β, and their largest dimensions."""
    table = by_hand(view.lm, view.trace, norm, position).table[["dimension", "γ", "β"]]
    parts.chart(
        figures.parameters(table["γ"].to_numpy(), table["β"].to_numpy(), view.scheme),
        key="parameters",
        name=f"{norm}.weight (γ), {norm}.bias (β)",
        shape=(len(table),),
        how_to_read="how many dimensions have a γ or a β of each size; a mark below 0 is one "
        "dimension. They are the same for every token and every text. Training starts with every "
        "γ at 1 and every β at 0 (dotted lines), so the distance from there was learnt.",
        table=table,
    )
    for column, name in zip(st.columns(2, gap="large"), ("γ", "β"), strict=True):
        with column:
            st.markdown(f"The dimensions with the largest **{name}**, whatever its sign")
            st.dataframe(
                largest(table, name).style.format(precision=4),
                hide_index=True,
                key=f"largest_{name}",
            )


def stream(view: View, norm: str | None, position: int) -> None:
    """Length, mean and spread of the residual stream, stage by stage."""
    found = resources.stream(view.lm, view.ids, view.waiting)
    mark = _stage(view, norm)
    dotted = f" The dotted line is where {norm} reads the stream." if mark else ""
    shape = (*found.norm.shape, view.lm.config.n_embd)
    name = f"{found.stages[0]} … {found.stages[-1]}"
    table = streams.table(found, view.tokens)
    parts.chart(
        norms_by_stage(found.norm, found.stages, view.tokens, position, view.scheme, mark),
        key="stream_norms",
        name=name,
        shape=shape,
        how_to_read=f"one line a token: the length (norm) of its vector. {STAGES} The scale "
        f"multiplies: the same step up is always the same factor.{dotted}",
        table=table,
    )
    parts.chart(
        spread_by_stage(
            found.mean[:, position], found.spread[:, position], found.stages, view.scheme, mark
        ),
        key="stream_spread",
        name=f"{name}, position {position}",
        shape=(len(found.stages), view.lm.config.n_embd),
        how_to_read="the mean of the numbers in the chosen token's vector, and their spread "
        "(standard deviation) on both sides of it. Normalising makes them 0 and 1.",
        table=table[table["position"] == position],
    )


def without(view: View, norm: str, position: int) -> None:
    """What the network computes when the norm hands on its input untouched."""
    with st.spinner(f"Running the model without {norm} …"):
        found = resources.leave_out(view.lm, view.ids, norm, view.waiting)
    mark = _stage(view, norm)
    nats = found.divergence[position]
    st.markdown(
        f"Here the model ran again, and `{norm}` handed on what it read as it was: no mean was "
        f"subtracted, nothing divided, no γ and no β. The model was not trained for that. After "
        f"token {position} the two guesses of the next token are **{nats:.3f} nats** apart (KL "
        f"divergence; 0 means that they are the same)."
    )
    sides = (
        ("Likeliest next tokens **with** the norm", "with", found.likeliest_before),
        ("Likeliest next tokens **without** it", "without", found.likeliest_after),
    )
    for column, (title, own, likeliest) in zip(st.columns(2, gap="small"), sides, strict=True):
        with column:
            st.markdown(title)
            _likeliest(likeliest_table(view.lm, likeliest, position), own)
    table = pd.DataFrame(
        {
            "stage": found.before.stages,
            "with": found.before.norm[:, position],
            "without": found.after.norm[:, position],
        }
    )
    changes = "" if norm != "ln_f" else " All of it comes before ln_f, so nothing changes here."
    parts.chart(
        lengths_compared(
            table["with"].to_numpy(),
            table["without"].to_numpy(),
            found.before.stages,
            view.scheme,
            mark,
        ),
        key="lengths_compared",
        name=f"{found.before.stages[0]} … {found.before.stages[-1]}, position {position}",
        shape=(len(table), view.lm.config.n_embd),
        how_to_read=f"the length (norm) of the chosen token's vector in both runs. {STAGES} The "
        f"scale multiplies: the same step up is always the same factor.{changes}",
        table=table,
    )
    parts.chart(
        figures.divergences(found.divergence, view.tokens, position, view.scheme),
        key="divergences",
        name="KL(with ‖ without) of the softmax of logits",
        shape=found.divergence.shape,
        how_to_read="how far the guesses of the next token after each token are apart, in nats, "
        "over the whole vocabulary: 0 means the same guess.",
        table=pd.DataFrame(
            {
                "position": range(len(view.tokens)),
                "token": view.tokens,
                "KL divergence (nats)": found.divergence,
            }
        ),
    )


def _likeliest(table: pd.DataFrame, own: str) -> None:
    bars = {
        name: st.column_config.ProgressColumn(
            name, format="%.3f", min_value=0, max_value=1, width="small"
        )
        for name in ("with", "without")
    }
    columns = ("token", "with", "without")
    st.dataframe(
        table,
        hide_index=True,
        key=f"likeliest_{own}",
        column_order=columns,
        column_config=bars,
    )


def _stage(view: View, norm: str | None) -> str | None:
    """The stage of the stream that a norm reads; None where it reads a sum instead."""
    read = summands(view.lm.config, norm) if norm else ()
    return read[0] if len(read) == 1 else None


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


TABS: Mapping[str, Callable[[View, str, int], None]] = MappingProxyType(
    {
        "By hand": arithmetic,
        "γ and β": parameters,
        "The stream": stream,
        "Without this norm": without,
    }
)
