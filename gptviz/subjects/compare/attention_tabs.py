"""Attention of two sides: one head's patterns and their difference, and how far each is apart."""

from collections.abc import Callable, Iterable

import numpy as np
import pandas as pd
import streamlit as st
import torch

from gptviz.app import choices, look, show
from gptviz.app.cells.board import Colours, Labels, cell_board
from gptviz.app.clicks import clicked
from gptviz.app.glossary import term
from gptviz.subjects.compare import figures
from gptviz.subjects.compare import layer_sentences as sentences
from gptviz.subjects.compare.attention_analysis import (
    has_head,
    head_distance_table,
    head_distances,
    require_head,
    weight_table,
    weights_of_both,
)
from gptviz.subjects.compare.sides import Sides

HOW_TO_READ = (
    "each row is a token that looks, each column a token looked at. Left and right: the stronger "
    "the colour, the larger the weight, from 0 to 1. "
)
DIFFERENCE = (
    "Difference, from −1 to 1: red is looked at more on the right, blue more on the left; each of "
    "its rows sums to 0. "
)
NUMBERS = (
    "In models that were trained apart, the same number does not mean the same task: a "
    f"{term('head')} of one may do what another head does in the other."
)


def attention(both: Sides) -> None:
    """The patterns of one head on both sides, and all heads by their largest difference."""
    shapes = list(zip(both.pairing.layers, both.pairing.heads, strict=True))
    looking = [(layers, heads) for layers, heads in shapes if heads]
    if not looking:
        both.left.lm.config.require_attention()
    layers, heads = (max(each) for each in zip(*looking, strict=True))
    if not both.pairing.by_position or len(looking) == 1:
        columns = st.columns(2, gap="medium")
        with columns[0]:
            layer = choices.index("layer", "Layer", layers)
        with columns[1]:
            head = choices.index("head", "Head", heads)
        _patterns(both, layer, head)
        return
    distances = look.look(head_distances, both.left.trace, both.right.trace).numpy()
    layer, head = _open_head(distances, layers, heads)
    _patterns(both, layer, head)
    _heads(both, distances, (layers, heads), (layer, head))


def _open_head(distances: np.ndarray, layers: int, heads: int) -> tuple[int, int]:
    """The head that was chosen, or else, of those that fit, the one that differs most."""
    layer, head = clicked("layer", layers), clicked("head", heads)
    allowed = distances.copy()
    if layer is not None and layer < len(allowed):
        allowed[np.arange(len(allowed)) != layer] = -1
    if head is not None and head < allowed.shape[1]:
        allowed[:, np.arange(allowed.shape[1]) != head] = -1
    best = np.unravel_index(allowed.argmax(), allowed.shape)
    return int(best[0]) if layer is None else layer, int(best[1]) if head is None else head


def _patterns(both: Sides, layer: int, head: int) -> None:
    left, right = both.left, both.right
    traces = left.trace, right.trace
    there = [has_head(trace, layer, head) for trace in traces]
    if not any(there):
        require_head("left", left.trace, layer, head)
    name = f"h.{layer}.attn.pattern"
    values = [
        trace[name][head].numpy() if has else None for trace, has in zip(traces, there, strict=True)
    ]
    drawn = {
        side: figures.pattern(own, view.tokens, side, left.scheme)
        for side, view, own in zip(("left", "right"), (left, right), values, strict=True)
        if own is not None
    }
    one, two = values
    function: Callable[..., pd.DataFrame] = weights_of_both
    how_to_read = HOW_TO_READ
    if one is not None and two is not None and both.pairing.by_position:
        st.markdown(sentences.of_head(one, two, (left.tokens, right.tokens), f"L{layer} H{head}"))
        apart = figures.difference(two - one, left.tokens, right.tokens, left.scheme)
        drawn["right less left"] = apart
        function, how_to_read = weight_table, HOW_TO_READ + DIFFERENCE
    elif not all(there):
        st.markdown(sentences.of_lone_head(f"L{layer} H{head}", on_the_left=there[0]))
    else:
        st.markdown(sentences.NO_DIFFERENCE)
    show.charts(
        drawn,
        key="patterns",
        name=f"{name}[{head}]",
        shape=tuple(len(own) for own in values if own is not None),
        how_to_read=how_to_read + NUMBERS,
        table=look.look(function, *traces, layer, head),
        code=both.code(
            function, f"table = {function.__name__}(trace, other_trace, {layer}, {head})"
        ).drawn_as(figures.pattern, _drawn_in_code(name, head, drawn)),
    )


def _drawn_in_code(name: str, head: int, titles: Iterable[str]) -> dict[str, str]:
    own, other = (f"{trace}['{name}'][{head}].numpy()" for trace in ("trace", "other_trace"))
    written = {
        "left": f"figures.pattern({own}, trace.tokens, 'left', 'light')",
        "right": f"figures.pattern({other}, other_trace.tokens, 'right', 'light')",
        "right less left": f"figures.difference({other} - {own}, trace.tokens, other_trace.tokens, "
        "'light')",
    }
    return {title: written[title] for title in titles}


def _heads(
    both: Sides, distances: np.ndarray, shape: tuple[int, int], chosen: tuple[int, int]
) -> None:
    st.markdown(sentences.of_heads(distances))
    whole = np.full(shape, np.nan, dtype=np.float32)
    whole[: distances.shape[0], : distances.shape[1]] = distances
    texts = ["one side" if np.isnan(value) else f"{value:.2f}" for value in whole.ravel()]
    labels = Labels(
        [f"L{i}" for i in range(shape[0])],
        [f"H{i}" for i in range(shape[1])],
        "{row} {column}: largest difference {text}",
        "How far each head is apart; arrow keys move, Enter chooses a head",
    )

    def choose(row: int, column: int) -> None:
        st.session_state["layer"], st.session_state["head"] = row, column

    cell_board(
        whole,
        texts,
        labels,
        Colours(0, 1, "no difference", "1"),
        both.left.scheme,
        key="head_distances",
        chosen=chosen,
        choose=choose,
    )
    show.source(
        "h.*.attn.pattern, right less left",
        tuple(distances.shape),
        "one cell a head: the largest difference of any of its weights, from 0 to 1. Click a head "
        "to see its patterns. “One side”: only one of the models has this head.",
    )
    show.numbers(
        head_distance_table(torch.from_numpy(distances)),
        "head_distances",
        both.code(
            head_distance_table,
            "from gptviz.subjects.compare.attention_analysis import head_distances",
            "distances = head_distances(trace, other_trace)",
            "table = head_distance_table(distances)",
            "n = distances.shape",
            "layers, heads = ([f'{a}{i}' for i in range(m)] for a, m in zip('LH', n))",
        ).drawn_by_hand("cells", "distances.numpy(), layers, heads"),
    )
