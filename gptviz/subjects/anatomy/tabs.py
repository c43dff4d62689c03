"""A shape on the screen: its parameters, its family, the memory and the time that it takes."""

from collections.abc import Callable
from typing import Any

import streamlit as st

from gptviz.app import look, show
from gptviz.app.code import Code
from gptviz.app.frame import View
from gptviz.app.glossary import introduce, term
from gptviz.config import GPTConfig
from gptviz.jobs import estimate
from gptviz.parameters import count
from gptviz.subjects.anatomy import (
    analysis,
    family_analysis,
    figures,
    memory_analysis,
    sentences,
    work_analysis,
)
from gptviz.subjects.anatomy.controls import Shape

LETTERS = (
    "L layers, C width, V vocabulary, T context, D hidden units of an MLP (4 C unless a model says "
    "otherwise)."
)
MEASURED = "measured_shapes"  # where a browser remembers which shapes it asked to measure


def parts(view: View, shape: Shape) -> None:
    """The parameters of each part, with the formula filled in, and their room in bits."""
    config = shape.config
    table = analysis.parts(config)
    st.markdown(sentences.of_parts(show.literal(shape.title), config))
    if shape.note:
        st.caption(show.literal(shape.note))
    show.chart(
        figures.parts(table, view.scheme),
        key="parts",
        name="parameters by part",
        shape=(count(config),),
        how_to_read="each bar is how many numbers training adjusts in that part, in all layers "
        "together. A bias is one number for each output of a matrix, and a norm has two numbers, "
        "γ and β, for each number of a vector.",
        table=table,
        code=_code(view, shape, analysis.parts, "table = parts(config)").drawn(figures.parts),
    )
    st.markdown(sentences.formulas(table))
    st.caption(LETTERS)
    _sizes(view, shape)


def _sizes(view: View, shape: Shape) -> None:
    table = analysis.sizes(shape.config)
    st.markdown(sentences.of_sizes(table))
    show.source(
        "parameters × bytes",
        (len(table),),
        "a number of 32 bits takes 4 bytes, one of 16 two, one of 8 one. MB are millions of bytes; "
        "MiB are 2²⁰ = 1,048,576 bytes, and many programs write MB for them.",
    )
    show.numbers(table, "sizes", _code(view, shape, analysis.sizes, "table = sizes(config)"))


def family(view: View, shape: Shape) -> None:
    """The chosen shape among those that were published."""
    title = shape.title
    published = {model.title for model in family_analysis.PUBLISHED.values()}
    own = None if title in published else shape.config
    table = family_analysis.family(own, title)
    show.chart(
        figures.family(table, title, view.scheme),
        key="family",
        name="parameters of whole models",
        shape=(len(table),),
        how_to_read="the further to the right, the more parameters: each step multiplies. A "
        "filled point is the count, a ring what the paper says: of GPT-2 the paper's numbers are "
        "lower than what its own shapes have (117 M for 124 M). "
        "GPT-3 is GPT-2 made larger; its larger context is in the count.",
        table=table,
        code=_code(
            view,
            shape,
            family_analysis.family,
            f"table = family(config, {title!r})" if own else "table = family()",
        ).drawn(figures.family, f"table, {title!r}"),
    )
    st.markdown(introduce(sentences.notes(), "head"))


def memory(view: View, shape: Shape) -> None:
    """What writing and training keep in memory."""
    config = shape.config
    table = memory_analysis.memory(config)
    needed = memory_analysis.training(config).total
    st.markdown(sentences.of_memory(config, needed, estimate.available_memory()))
    show.chart(
        figures.sums(table, "use", "holds", "MiB", view.scheme),
        key="memory",
        name="bytes of weights and what is kept beside them",
        shape=(len(table),),
        how_to_read="above, what writing a text of the whole context keeps: the weights, and the "
        f"{term('query, key, value', 'keys and values')} of all tokens before, so that nothing is "
        "read twice. Below, what training on one such text a step keeps: for each weight also its "
        f"{term('gradient')} and the optimizer's two running means ({term('AdamW')}), and what the "
        "forward pass leaves for the backward pass (activations); for each further text of a "
        "batch, activations come once more. The last two are estimates of how gptviz trains.",
        table=table,
        code=_code(view, shape, memory_analysis.memory, "table = memory(config)").drawn(
            figures.sums, 'table, "use", "holds", "MiB"'
        ),
    )
    st.markdown(sentences.of_cache(config))


def work(view: View, shape: Shape) -> None:
    """How much there is to calculate for a token, and how long it takes on this machine."""
    config = shape.config
    table = work_analysis.ends(config)
    st.markdown(sentences.of_work(config))
    show.chart(
        figures.sums(table, "token", "part", "FLOPs", view.scheme, ticks="~s"),
        key="work",
        name="floating-point operations of a token",
        shape=(len(table),),
        how_to_read="each bar is what there is to calculate for one token: the first of a text, "
        "and the last one that fits. A matrix of m × n numbers takes m · n multiplications and as "
        "many additions. Only scores and weighted sums grow with the tokens that are looked at. "
        f"Norms, {term('softmax')} and the activation function take little beside these and are "
        "left out. Training takes about three times as much: forward once, and backward twice as "
        "much.",
        table=table,
        code=_code(view, shape, work_analysis.ends, "table = ends(config)").drawn(
            figures.sums, 'table, "token", "part", "FLOPs", ticks="~s"'
        ),
    )
    _speed(view, shape)


def _speed(view: View, shape: Shape) -> None:
    """Measured on a button only: it takes the processor for a while."""
    config = shape.config
    st.markdown("**On this machine**")
    try:
        work_analysis.require_measurable(config)
    except ValueError as error:
        st.info(show.literal(f"Not measured: {error}."))
        return
    asked: set[GPTConfig] = st.session_state.setdefault(MEASURED, set())
    if config not in asked:
        st.button("Measure it here", key="measure", on_click=asked.add, args=(config,))
        st.caption(
            "It makes a model of this shape, lets it read and write, and throws it away: some "
            "seconds, and longer for a large one."
        )
        return
    found = look.look_for_long(work_analysis.measure, config, words="Measuring …")
    table = work_analysis.comparison(config, found)
    st.markdown(sentences.of_speed(config, found))
    show.chart(
        figures.times(table, view.scheme),
        key="times",
        name="seconds on this machine",
        shape=(len(table),),
        how_to_read="predicted is about the least that it can take: the operations at the speed of "
        "one large product, or bringing every weight from memory once, whichever takes longer. "
        "Measured is the median of some tries with a model of this shape, whose weights mean "
        "nothing. What lies between is PyTorch's work around many small products, and whatever "
        "else runs on the machine: the smaller the model, the more of it.",
        table=table,
        code=_code(
            view,
            shape,
            work_analysis.measure,
            "from gptviz.subjects.anatomy.work_analysis import comparison",
            "table = comparison(config, measure(config))",
        ).drawn(figures.times),
    )


def _code(view: View, shape: Shape, function: Callable[..., Any], *lines: str) -> Code:
    """The code of a picture, whose lines may use `config`."""
    imports = {
        "replace(": "from dataclasses import replace",
        "PUBLISHED": "from gptviz.subjects.anatomy.family_analysis import PUBLISHED",
    }
    written = (
        *(line for name, line in imports.items() if name in shape.in_code),
        f"config = {shape.in_code}",
        *lines,
    )
    is_loaded = "lm.config" in shape.in_code
    return view.code(function, *written) if is_loaded else Code(function, written)
