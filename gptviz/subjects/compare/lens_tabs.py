"""The logit lens of two sides: after one token, and after every token."""

import numpy as np
import streamlit as st

from gptviz.app import choices, look, show
from gptviz.app.cells.board import Colours, Labels, cell_board
from gptviz.app.chips.chips import choose_token
from gptviz.app.frame import View
from gptviz.app.glossary import term
from gptviz.subjects.compare import layer_sentences as sentences
from gptviz.subjects.compare.lens_analysis import (
    distance_table,
    lens_cell,
    lens_distances,
    lens_way,
)
from gptviz.subjects.compare.sides import Sides
from gptviz.subjects.compare.tabs import distributions
from gptviz.subjects.residual import analysis as residual

LENS_OF = {"one": "After one token", "all": "After every token"}
HOW = (
    "what either side would say next if it stopped after that layer: the final norm and the output "
    "matrix, applied to each row. They were trained for the last row alone, so an early row may "
    "say little. (nostalgebraist, 2020, *interpreting GPT: the logit lens*)"
)


def lens(both: Sides) -> None:
    """What either side would say after each layer."""
    if choices.one_of("lens_of", "Show", LENS_OF) == "all":
        _every_token(both)
        return
    at = both.last
    if both.pairing.by_position:
        position = choose_token(both.left.tokens, both.left.scheme)
        at = (position, position)
    else:
        st.markdown(sentences.LAST_TOKENS)
    _one_token(both, at)


def _one_token(both: Sides, at: tuple[int, int]) -> None:
    way = look.look(lens_way, *both.arguments, at)
    rows = row_names(len(way))
    stages = way["stage"].tolist()
    shared = int(way["total_variation"].notna().sum())
    stage = choices.picked("lens_stage", [*reversed(stages[:shared]), *stages[shared:]])
    st.markdown(sentences.of_lens(way, rows))

    def choose(row: int, column: int) -> None:  # noqa: ARG001 - a row has one distribution a side
        st.session_state["lens_stage"] = stages[row]

    values = way[["left_probability", "right_probability", "total_variation"]].to_numpy()
    texts = []
    for row in way.itertuples():
        texts += [row.left or "no such layer", row.right or "no such layer"]
        texts.append("" if np.isnan(row.total_variation) else f"{row.total_variation:.2f}")
    labels = Labels(
        rows,
        ["left", "right", "apart"],
        "{row}, {column}: {text}, {value}",
        "What either side would say after each layer; arrow keys move, Enter chooses a row",
    )
    colours = Colours(0, 1, "probability 0, or nothing apart", "1")
    chosen = (stages.index(stage), 2)
    cell_board(
        values, texts, labels, colours, both.left.scheme, key="ways", chosen=chosen, choose=choose
    )
    show.source(
        f"softmax(ln_f(h.*))[{at[0]}] and [{at[1]}]",
        tuple(values.shape),
        f"each row is {HOW} Left and right: the likeliest token, and the stronger the colour, the "
        f"likelier it is. Apart: the {term('total variation distance')} of both, from 0 to 1. "
        "Click a row for its tokens.",
    )
    show.numbers(
        way,
        "ways",
        both.code(lens_way, f"table = lens_way(lm, trace, other, other_trace, {at})"),
    )
    row = stages.index(stage)
    st.markdown(f"**What they would say in row “{rows[row]}”**")
    if row >= shared:
        st.markdown(sentences.LONE_ROW)
        return
    found = look.look(lens_cell, *both.arguments, row, at)
    call = f"lens_cell(lm, trace, other, other_trace, {row}, {at})"
    name = f"softmax(ln_f({stage}))[{at[0]}] and [{at[1]}]"
    distributions(both, found, name, lens_cell, call)


def _every_token(both: Sides) -> None:
    if both.pairing.by_position:
        _distances(both)
    else:
        st.markdown(sentences.NO_DIFFERENCE)
    for column, side, view in zip(
        st.columns(2, gap="large"), ("left", "right"), (both.left, both.right), strict=True
    ):
        with column:
            st.markdown(f"**{side.capitalize()}**")
            _own(both, view, side)


def _distances(both: Sides) -> None:
    values = look.look(lens_distances, *both.arguments)
    likeliest = [
        look.look(residual.lens, view.lm, view.trace).likeliest[: len(values)].ravel().tolist()
        for view in (both.left, both.right)
    ]
    pieces = [
        view.lm.tokenizer.pieces(ids)
        for view, ids in zip((both.left, both.right), likeliest, strict=True)
    ]
    texts = [
        own if own == other else f"{own} → {other}" for own, other in zip(*pieces, strict=True)
    ]
    st.markdown(sentences.of_cells(values, row_names(len(values)), both.left.tokens))
    labels = Labels(
        row_names(len(values)),
        columns(both.left),
        "{row}, after {column}: {text}, {value} apart",
        "How far the two lenses are apart; arrow keys move, Enter chooses a cell",
    )
    _board(both, values, texts, labels, Colours(0, 1, "0 apart", "1"), "lens_distances")
    show.source(
        "softmax(ln_f(h.*)), both sides",
        tuple(values.shape),
        f"each cell compares {HOW} The stronger the colour, the further apart: it is the "
        f"{term('total variation distance')}, from 0 to 1. A cell with one token has the same "
        "likeliest token on both sides; else the arrow leads from left to right. Click a cell to "
        "see it alone.",
    )
    show.numbers(
        look.look(distance_table, *both.arguments),
        "lens_distances",
        both.code(
            distance_table,
            "from gptviz.subjects.compare.lens_analysis import lens_distances",
            "table = distance_table(lm, trace, other, other_trace)",
            "columns = [f'{i} {token}' for i, token in enumerate(trace.tokens)]",
            "values = lens_distances(lm, trace, other, other_trace)",
        ).drawn_by_hand("cells", f"values, {row_names(len(values))!r}, columns"),
    )


def _own(both: Sides, view: View, side: str) -> None:
    found = look.look(residual.lens, view.lm, view.trace)
    rows = row_names(len(found.likeliest))
    texts = view.lm.tokenizer.pieces(found.likeliest.ravel().tolist())
    labels = Labels(
        rows,
        columns(view),
        "{row}, after {column}: {text}, probability {value}",
        f"What the {side} side would say after each layer",
    )
    colours = Colours(0, 1, "probability 0", "1")
    _board(both, found.probability, texts, labels, colours, f"lens_{side}")
    show.source(
        f"softmax(ln_f(h.*)), {side}",
        (*found.likeliest.shape, view.lm.config.vocab_size),
        f"each cell is {HOW} It shows the likeliest token; the stronger the colour, the likelier.",
    )
    table = residual.lens_table(view.lm, view.trace, found)
    code = view.code(
        residual.lens_table,
        "from gptviz.subjects.residual.analysis import lens",
        "found = lens(lm, trace)",
        "table = lens_table(lm, trace, found)",
        "columns = [f'{i} {token}' for i, token in enumerate(trace.tokens)]",
        "texts = lm.tokenizer.pieces(found.likeliest.ravel().tolist())",
    ).drawn_by_hand("cells", f"found.probability, {rows!r}, columns, texts")
    show.numbers(table, f"lens_{side}", code)


def _board(
    both: Sides,
    values: np.ndarray,
    texts: list[str],
    labels: Labels,
    colours: Colours,
    key: str,
) -> None:
    stages = max(*map(residual.stream_names, (both.left.lm, both.right.lm)), key=len)

    def choose(row: int, column: int) -> None:
        st.session_state["lens_stage"] = stages[row]
        if both.pairing.by_position:  # else it is a place of one text alone
            st.session_state["position"] = column
        choices.choose("lens_of", "one")

    cell_board(values, texts, labels, colours, both.left.scheme, key=key, choose=choose)


def row_names(count: int) -> list[str]:
    """The rows of a lens: the embedding, then the layers."""
    return ["embedding", *(f"L{i}" for i in range(count - 1))]


def columns(view: View) -> list[str]:
    """The tokens of a side as columns of a board."""
    return [f"{i} {piece}" for i, piece in enumerate(view.tokens)]
