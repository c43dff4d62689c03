"""What layer norms do to the residual stream, and what the network computes without one of them."""

import math

import pandas as pd
import streamlit as st

from gptviz.app import look, show
from gptviz.app.frame import View
from gptviz.app.glossary import term
from gptviz.subjects.layer_norms import figures
from gptviz.subjects.layer_norms.analysis import (
    divergence_table,
    leave_out,
    lengths_table,
    likeliest_table,
    summands,
)
from gptviz.subjects.layer_norms.stream_analysis import measure, stream_table
from gptviz.subjects.layer_norms.stream_figures import (
    lengths_compared,
    norms_by_stage,
    spread_by_stage,
)

STAGES = (
    "From left to right: the stream before block 0 (embed), then after attention and after the MLP "
    "of each layer."
)


def stream(view: View, norm: str | None, position: int) -> None:
    """Length, mean and spread of the residual stream, stage by stage."""
    found = look.look(measure, view.lm.config, view.trace)
    mark = _stage(view, norm)
    dotted = f" The dotted line is where {norm} reads the stream." if mark else ""
    shape = (*found.norm.shape, view.lm.config.n_embd)
    name = f"{found.stages[0]} … {found.stages[-1]}"
    table = stream_table(found, view.tokens)
    imported = "from gptviz.subjects.layer_norms.stream_analysis import stream_table"
    measured = "found = measure(lm.config, trace)"
    computed = "stream_table(found, trace.tokens)"
    show.chart(
        norms_by_stage(found.norm, found.stages, view.tokens, position, view.scheme, mark),
        key="stream_norms",
        name=name,
        shape=shape,
        how_to_read=f"one line a token: the length (norm) of its vector in the "
        f"{term('residual stream')}. {STAGES} The scale "
        f"multiplies: the same step up is always the same factor.{dotted}",
        table=table,
        code=view.code(measure, imported, measured, f"table = {computed}").drawn(
            norms_by_stage, f"found.norm, found.stages, trace.tokens, {position}, mark={mark!r}"
        ),
    )
    show.chart(
        spread_by_stage(
            found.mean[:, position], found.spread[:, position], found.stages, view.scheme, mark
        ),
        key="stream_spread",
        name=f"{name}, position {position}",
        shape=(len(found.stages), view.lm.config.n_embd),
        how_to_read="the mean of the numbers in the chosen token's vector, and their spread "
        "(standard deviation) on both sides of it. Normalising makes them 0 and 1.",
        table=table[table["position"] == position],
        code=view.code(
            measure,
            imported,
            measured,
            f"stream = {computed}",
            f"table = stream[stream['position'] == {position}]",
        ).drawn(
            spread_by_stage,
            f"found.mean[:, {position}], found.spread[:, {position}], found.stages, mark={mark!r}",
        ),
    )


def without(view: View, norm: str, position: int) -> None:
    """What the network computes when the norm hands on its input untouched."""
    with st.spinner(f"Running the model without {norm} …"):
        found = look.look(leave_out, view.lm, view.trace, norm)
    mark = _stage(view, norm)
    nats = float(found.divergence[position])
    rarer = math.exp(min(nats, 700.0))  # beyond that, a float has no room
    st.markdown(
        f"Here the model ran again, and `{norm}` handed on what it read as it was: no mean was "
        f"subtracted, nothing divided, no γ and no β. The model was not trained for that. What "
        f"comes after token {position} by the guess with the norm gets a probability "
        f"**{rarer:.3g} times** smaller without it (geometric mean): the two guesses are "
        f"**{nats:.3f} {term('nats')}** apart ({term('KL divergence')}; 0 means that they are the "
        f"same)."
    )
    sides = (
        ("Likeliest next tokens **with** the norm", "with", found.likeliest_before),
        ("Likeliest next tokens **without** it", "without", found.likeliest_after),
    )
    for column, (title, own, likeliest) in zip(st.columns(2, gap="small"), sides, strict=True):
        with column:
            st.markdown(title)
            _likeliest(likeliest_table(view.lm, likeliest, position), own)
    table = lengths_table(found, position)
    unchanged = " All of it comes before ln_f, so nothing changes here." if norm == "ln_f" else ""
    left_out = f"found = leave_out(lm, trace, {norm!r})"
    show.chart(
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
        f"scale multiplies: the same step up is always the same factor.{unchanged}",
        table=table,
        code=view.code(
            leave_out,
            "from gptviz.subjects.layer_norms.analysis import lengths_table",
            left_out,
            f"table = lengths_table(found, {position})",
        ).drawn(
            lengths_compared,
            'table["with"].to_numpy(), table["without"].to_numpy(), found.before.stages, '
            f"mark={mark!r}",
        ),
    )
    show.chart(
        figures.divergences(found.divergence, view.tokens, position, view.scheme),
        key="divergences",
        name="KL(with ‖ without) of the softmax of logits",
        shape=found.divergence.shape,
        how_to_read="how far apart the two guesses after each token are: 0 means the same guess. "
        "In nats, over the whole vocabulary.",
        table=divergence_table(found, view.tokens),
        code=view.code(
            leave_out,
            "from gptviz.subjects.layer_norms.analysis import divergence_table",
            left_out,
            "table = divergence_table(found, trace.tokens)",
        ).drawn(figures.divergences, f"found.divergence, trace.tokens, {position}"),
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
