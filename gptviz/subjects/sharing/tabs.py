"""One logit as a product of two vectors, what sharing saves, and two runs with and without it."""

from collections.abc import Callable

import streamlit as st

from gptviz import jobs
from gptviz.app import choices, show
from gptviz.app.frame import View
from gptviz.app.glossary import term
from gptviz.app.powers import fixed
from gptviz.jobs import presets, shipping
from gptviz.jobs.presets import Preset
from gptviz.runs import Run, compare
from gptviz.subjects.sharing import analysis, figures
from gptviz.subjects.sharing.pair import PAIR

CLOSE = 1e-3  # how far apart the two sums may be, which add up in another order
BROKEN = (
    "not everything that this model computes from this text is a number (NaN), so there is nothing "
    "to multiply; choose another model"
)


def product(view: View, position: int) -> None:
    """One logit: the vector that came out of the network, times the vector of a token."""
    lm, trace = view.lm, view.trace
    if not trace.logits[position].isfinite().all():
        raise ValueError(BROKEN)
    candidates = analysis.likeliest(lm, trace, position)
    options = {str(row.id): f"{row.token}  (id {row.id})" for row in candidates.itertuples()}
    left, right = st.columns([2, 5], gap="medium")
    with left:
        token = int(choices.one_of_many("for_token", "The token that may come next", options))
    piece = show.literal(lm.tokenizer.pieces([token])[0])
    found = analysis.logit(lm, trace, position, token)
    out, row = (fixed(length, 2) for length in found.lengths)
    cosine = fixed(found.cosine, 3)
    right.markdown(
        f"After token {position}, “{show.literal(view.tokens[position])}”, the vector that comes "
        f"out has the length {out}; that of “{piece}” has {row}, and the "
        f"{term('cosine')} between them is {cosine}. {out} × {row} × "
        f"{cosine} = **{fixed(found.total, 3)}**: the {term('logits', 'logit')} of “{piece}”. "
        f"{_read_as(view, found, piece)}"
    )
    show.chart(
        figures.products(found.table, found.total, view.scheme),
        key="products",
        name=f"ln_f[{position}] · {_matrix(view)}[{token}]",
        shape=(lm.config.n_embd,),
        how_to_read="each bar is the product of two numbers, one of each vector: up, they agree "
        "and speak for the token; down, they speak against it. Both vectors have a number in each "
        "dimension, and all products together are the logit. The bars stand from the largest, "
        "whatever its sign.",
        table=found.table,
        code=view.code(
            analysis.logit,
            f"found = logit(lm, trace, {position}, {token})",
            "table = found.table",
        ).drawn(figures.products, "table, found.total"),
    )
    error = abs(found.total - found.recorded)
    sign = "✅" if error <= CLOSE * max(1, abs(found.recorded)) else "❌"
    st.markdown(
        f"{sign} All {lm.config.n_embd} products sum to {fixed(found.total, 4)}; the model's own "
        f"`logits[{position}, {token}]` is {fixed(found.recorded, 4)}."
    )


def costs(view: View) -> None:
    """Parameters and memory of the loaded model's shape, with one matrix and with two."""
    config = view.lm.config
    table = analysis.costs(config)
    shared, own = table.to_dict("records")
    more = own["parameters"] - shared["parameters"]
    st.markdown(
        f"The matrix has {config.vocab_size:,} × {config.n_embd:,} = **{more:,}** numbers. "
        f"**{show.literal(view.lm.name)}** has "
        f"{'one for both ends' if config.tie_weights else 'one for each end'} "
        f"({term('weight tying')}). Shared, its shape has {shared['parameters']:,} "
        f"{term('parameters')}; with a second matrix {own['parameters']:,}, "
        f"{more / shared['parameters']:.1%} more: {fixed(own['MiB'], 2)} MiB "
        f"in place of {fixed(shared['MiB'], 2)} MiB, and four times as much while it is trained."
    )
    show.chart(
        figures.costs(table, view.scheme),
        key="costs",
        name="parameters of this shape",
        shape=(len(table),),
        how_to_read="above, one matrix turns tokens into vectors and vectors into guesses; below, "
        "the output has its own. Training keeps a gradient and two running means for each "
        "parameter. The page Anatomy counts any other shape: the smaller the model beside its "
        "vocabulary, the larger the share of this matrix.",
        table=table,
        code=view.code(analysis.costs, "table = costs(lm.config)").drawn(figures.costs),
    )


def trained(
    offer: Callable[[str, str, list[Preset]], None], draw_beside: Callable[[list[Run]], None]
) -> None:
    """Two runs on the same batches.

    offer draws a button, of these words and this key, that starts runs; draw_beside draws the
    curves of runs and what they took.
    """
    st.markdown(
        f"Both are trained on the plays, from the same {term('seed')} on the same batches: "
        f"{PAIR[0].words} The only difference is the output layer."
    )
    own = jobs.list_runs()
    found = [presets.latest([*own, *shipping.gallery()], preset) for preset in PAIR]
    missing = [preset for preset in PAIR if presets.latest(own, preset) is None]
    words = "Train both again" if not missing else "Train both yourself"
    offer(words, "train_pair", missing or list(PAIR))
    runs = [run for run in found if run]
    if runs:
        st.markdown(_outcome(runs))
        draw_beside(runs)


def _outcome(runs: list[Run]) -> str:
    """What came of runs that have validated: size and best loss, and how far that can be read."""
    table = compare.table(runs).dropna(subset="best_val_loss")
    told = [
        f"**{show.literal(row.run)}**: {row.parameters:,} parameters, best validation "
        f"{term('loss')} {row.best_val_loss:.3f}"
        for row in table.itertuples()
    ]
    return "; ".join(told) + ". A difference of some hundredths may be chance." if told else ""


def _read_as(view: View, found: analysis.Logit, piece: str) -> str:
    if view.lm.config.tie_weights:
        return (
            f"This model shares the matrix: the same vector stands for “{piece}” where it is read."
        )
    return (
        f"This model has a matrix for the output alone: where “{piece}” is read, another vector "
        f"stands for it, at a cosine of {fixed(found.to_embedding, 3)} with this one."
    )


def _matrix(view: View) -> str:
    return "wte.weight" if view.lm.config.tie_weights else "lm_head.weight"
