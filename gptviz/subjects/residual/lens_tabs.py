"""The logit lens: what the model would say after each layer, and one token on its way."""

from collections.abc import Callable
from functools import partial

import numpy as np
import streamlit as st

from gptviz.app import choices, look, show
from gptviz.app.cells.board import Colours, Labels, cell_board
from gptviz.app.frame import View
from gptviz.app.glossary import term
from gptviz.subjects.residual import analysis as residual
from gptviz.subjects.residual import figures, sentences
from gptviz.subjects.residual.analysis import Lens
from gptviz.subjects.residual.controls import require_numbers, token_input

LENS_BY = {"probability": "Probability", "divergence": "Distance"}


def lens(view: View, position: int) -> None:
    """What the model would say after each layer, at every position."""
    found = look.look(residual.lens, view.lm, view.trace)
    require_numbers(found.probability)
    stages = residual.stream_names(view.lm)
    rows = _rows(view)
    stage = choices.picked("lens_stage", reversed(stages))
    (answer,) = view.lm.tokenizer.pieces([int(found.likeliest[-1, position])])
    said, choice = st.columns([3, 2], gap="medium", vertical_alignment="center")
    piece = show.literal(view.tokens[position])
    decided = show.literal(sentences.when_decided(found, position, rows, answer))
    said.markdown(f"After token {position}, “{piece}”: {decided}")
    with choice:
        way = choices.one_of("lens_by", "Colour by", LENS_BY)

    def choose(row: int, column: int) -> None:
        st.session_state["lens_stage"] = stages[row]
        st.session_state["position"] = column

    _board(view, found, way, (stages.index(stage), position), choose)
    show.source(
        "softmax(ln_f(embed)), softmax(ln_f(h.0)) …",
        (len(stages), len(view.ids), view.lm.config.vocab_size),
        "each cell is the likeliest next token if the model stopped after that layer: a column a "
        "token of your text, from the embedding at the top down to the model's own output in the "
        "last row. Click a cell for its ten likeliest. The first row mostly repeats your text, "
        "where one matrix turns tokens into vectors and back. How it is made: the final norm and "
        "the output matrix are applied to every row. Its limits: they were trained for the last "
        "row alone, so an early row may say little and still carry what later layers need. The "
        f"distance is KL(last row ‖ this row) in {term('nats')}, 0 where both say the same. The "
        "logit lens is by nostalgebraist (2020, *interpreting GPT: the logit lens*).",
    )
    colour = "probability" if way == "probability" else "divergence"
    code = view.code(
        residual.lens_table,
        "import math",
        "from gptviz.subjects.residual.analysis import lens",
        "found = lens(lm, trace)",
        "table = lens_table(lm, trace, found)",
        "columns = [f'{i} {token}' for i, token in enumerate(trace.tokens)]",
        "texts = lm.tokenizer.pieces(found.likeliest.ravel().tolist())",
    ).drawn_by_hand(
        "cells",
        f"found.{colour}, {rows!r}, columns, texts"
        + ("" if way == "probability" else ", high=math.log(lm.config.vocab_size)"),
    )
    table = partial(residual.lens_table, view.lm, view.trace, found)
    show.numbers(table, "lens", code)
    here, token = st.columns([2, 3], gap="large")
    with here:
        _cell(view, stages.index(stage), rows, position)
    with token:
        _followed(view, position, rows)


def _board(
    view: View, found: Lens, way: str, chosen: tuple[int, int], choose: Callable[[int, int], None]
) -> None:
    size = view.lm.config.vocab_size
    if way == "probability":
        values, hover = found.probability, "{row}, after {column}: {text}, probability {value}"
        colours = Colours(0, 1, "probability 0", "1")
    else:
        values, hover = found.divergence, "{row}, after {column}: {text}, {value} nats away"
        colours = Colours(0, float(np.log(size)), "0 nats away", f"{np.log(size):.1f} or more")
    words = Labels(
        _rows(view),
        [f"{i} {piece}" for i, piece in enumerate(view.tokens)],
        hover,
        "What the model would say after each layer; arrow keys move, Enter chooses a cell",
    )
    texts = view.lm.tokenizer.pieces(found.likeliest.ravel().tolist())
    cell_board(
        values, texts, words, colours, view.scheme, key="lens_board", chosen=chosen, choose=choose
    )


def _cell(view: View, row: int, rows: list[str], position: int) -> None:
    st.markdown(f"**The ten likeliest in row “{rows[row]}”**")
    show.table(look.look(residual.cell, view.lm, view.trace, row, position), "cell")


def _followed(view: View, position: int, rows: list[str]) -> None:
    logits = view.trace.logits[position]
    token = token_input(view, "followed", "Follow a token through the layers", logits)
    token = int(logits.argmax()) if token is None else token
    table = look.look(residual.followed, view.lm, view.trace, position, token)
    show.chart(
        figures.way_of_token(
            table["rank"].to_numpy(),
            table["probability"].to_numpy(),
            rows,
            view.lm.config.vocab_size,
            view.scheme,
        ),
        key="followed_way",
        name=f"softmax(ln_f(…))[{position}, {token}]",
        shape=(len(table),),
        how_to_read="above: the token's probability in each row of the lens; below: its rank, 1 "
        "at the top, on a scale that multiplies.",
        table=table,
        code=view.code(
            residual.followed, f"table = followed(lm, trace, {position}, {token})"
        ).drawn(
            figures.way_of_token,
            'table["rank"].to_numpy(), table["probability"].to_numpy(), '
            f"{rows!r}, lm.config.vocab_size",
        ),
    )


def _rows(view: View) -> list[str]:
    *rows, last = ["embedding", *(f"L{i}" for i in range(view.lm.config.n_layer))]
    return [*rows, f"{last} = output"]
