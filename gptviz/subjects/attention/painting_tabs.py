"""Paint a pattern, and all heads are ranked by how much they look like it."""

from functools import partial

import numpy as np
import streamlit as st
from torch import Tensor

from gptviz.app import look, show
from gptviz.app.cells.board import Colours, Labels, cell_board
from gptviz.app.code import Code
from gptviz.app.frame import View
from gptviz.subjects.attention import painting_analysis as analysis
from gptviz.subjects.attention.analysis import pattern_table
from gptviz.subjects.attention.finding import CHIPS
from gptviz.subjects.attention.finding_analysis import Found
from gptviz.subjects.attention.painting import painting_board
from gptviz.subjects.attention.square import attention_square
from gptviz.subjects.attention.tabs import READ_A_PATTERN

# Room for each sentence, so that the board stays where it is while one paints.
STYLE = """<style>
.st-key-painting_said { min-height: 6.5rem; }
@media (min-width: 640px) { .st-key-painting_said { min-height: 3.25rem; } }
</style>"""
BESIDE = 20  # tokens; with more, the squares of half a board are too small to hit
RUNNERS_UP = 3  # heads that are named after the best one
HINT = (
    "Where should a head look? **Paint it**: drag over squares, or click them. Every head is then "
    "ranked by how much of its attention falls there."
)
BEST = (
    "**L{layer} H{head}** looks most like your painting: **{share:.0%}** of its attention falls on "
    "your squares. A head that looks everywhere alike has {chance:.0%} there."
)
NO_MORE_THAN_CHANCE = (
    "No head looks there more than one that looks everywhere alike, which has {chance:.0%} on "
    "your squares. **L{layer} H{head}** comes closest, with **{share:.0%}** of its attention."
)
ALL_THERE_IS = (
    "You have painted all that these tokens can see, so every head has 100% of its attention on "
    "your squares. Leave some of them white."
)
FIRST_TOKENS = "This text has {T} tokens. You paint on the first {n}: with more, squares get tiny."
RANKED = "**All heads by their painted share**: first {best}, then {others} …"
A_HEAD = "L{layer}\u00a0H{head}\u00a0{share:.0%}"  # on one line
HOW_TO_READ = (
    "one square a head, with its painted share: how much of its attention falls on your squares. "
    "Click a head, or go there with the arrow keys and press Enter, to open it. The painted share "
    "is taken row by row: in each row in which you painted, the weights on your squares are added "
    "up. The mean over these rows is the head's number, from 0 to 1. Rows without paint do not "
    "count, nor does it matter what you left white elsewhere. A head that looks everywhere alike, "
    "in row 3 a quarter at each of four tokens, has a painted share as well: what is above that is "
    "more than chance. Measured on the model's own patterns, token 0 included. The first row sees "
    "only itself, so its square adds the same to all heads."
)


def paint(
    view: View, painted: Tensor, found: Found | None, at: tuple[int, int], query: int
) -> None:
    """The board, beside it the head that looks most like the painting, and below it all heads."""
    n = len(painted)
    st.html(STYLE)
    with st.container(key="painting_said"):
        st.markdown(_sentence(painted, found))
    if n < len(view.ids):
        st.caption(FIRST_TOKENS.format(T=len(view.ids), n=n))
    board, beside = (
        st.columns([5, 4], gap="medium") if n <= BESIDE else (st.container(), st.container())
    )
    tokens = view.tokens[:n]
    with board:
        starts = analysis.starting_points(view.ids[:n])
        named = {CHIPS[place][0]: squares for place, squares in starts.items()}
        painting_board(painted, tokens, named, key="painting")
    if found:
        with beside:
            _best(view, found, tokens, min(query, n - 1))
        _all_heads(view, painted, at)


def _sentence(painted: Tensor, found: Found | None) -> str:
    if not painted.any():
        return HINT
    if analysis.shows_all(painted):
        return ALL_THERE_IS
    if not found:
        raise ValueError("this model computes what is no number from this text; choose another one")
    told = {"layer": found.layer, "head": found.head, "share": found.score, "chance": found.alike}
    return (BEST if found.score > found.alike else NO_MORE_THAN_CHANCE).format(**told)


def _best(view: View, found: Found, tokens: tuple[str, ...], query: int) -> None:
    n, layer, head = len(tokens), found.layer, found.head
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"Most like it: **L{layer} H{head}**", width="content")
        st.button("Open it", key="open_most_like_it", on_click=_open, args=(layer, head))
    pattern = view.trace[f"h.{layer}.attn.pattern"][head, :n, :n]
    name = f"h.{layer}.attn.pattern[{head}]"
    attention_square(pattern, tokens, query, view.scheme, key="most_like_it", name=name)
    show.source(name, tuple(pattern.shape), READ_A_PATTERN)
    written = f"trace['h.{layer}.attn.pattern'][{head}, :{n}, :{n}]"
    show.numbers(
        partial(pattern_table, pattern, tokens),
        "most_like_it",
        view.code(
            pattern_table,
            f"pattern = {written}",
            f"table = pattern_table(pattern, trace.tokens[:{n}])",
        ).drawn_by_hand("square", f"pattern, trace.tokens[:{n}], token={query}"),
    )


def _all_heads(view: View, painted: Tensor, at: tuple[int, int]) -> None:
    table = look.look(analysis.rank_heads, view.trace, painted)
    best, *others = [
        A_HEAD.format(layer=row["layer"], head=row["head"], share=row["painted share"])
        for row in table[: 1 + RUNNERS_UP].to_dict("records")
    ]
    if others:
        st.markdown(RANKED.format(best=best, others=" · ".join(others)))
    n_layer, n_head = view.lm.config.n_layer, view.lm.config.n_head
    shares = np.zeros((n_layer, n_head), np.float32)
    shares[table["layer"], table["head"]] = table["painted share"]
    cell_board(
        shares,
        (),
        Labels(
            [f"L{layer}" for layer in range(n_layer)],
            [f"H{head}" for head in range(n_head)],
            "{row} {column}: {value} of its attention, from 0 to 1, is on your squares",
            f"Painted share of {n_layer} layers × {n_head} heads; arrow keys move, Enter opens "
            "a head",
        ),
        Colours(0, 1, "none: 0", "all: 1"),
        view.scheme,
        key="painted_share",
        chosen=at,
        choose=_open,
    )
    show.source("h.*.attn.pattern", (n_layer, n_head, *[len(view.ids)] * 2), HOW_TO_READ)
    show.numbers(table, "painted_share", _code(view, painted))


def _code(view: View, painted: Tensor) -> Code:
    return view.code(
        analysis.rank_heads,
        "from gptviz.subjects.attention.painting_analysis import painting_of",
        f"painted = painting_of({analysis.painting_text(painted)!r}, {len(painted)})",
        "table = rank_heads(trace, painted)",
        "shares = table.pivot(index='layer', columns='head', values='painted share').to_numpy()",
        "layers, heads = ([f'{a}{i}' for i in range(n)] for a, n in zip('LH', shares.shape))",
    ).drawn_by_hand("cells", "shares, layers, heads")


def _open(layer: int, head: int) -> None:
    st.session_state["layer"], st.session_state["head"] = layer, head
