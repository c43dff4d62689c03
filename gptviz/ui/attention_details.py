"""The details under the grid of heads: each draws one tab of the attention page."""

import math

import streamlit as st
from torch import Tensor

from gptviz.analysis import attention
from gptviz.figures import attention as figures
from gptviz.ui import controls, parts
from gptviz.ui.components.attention_lines import attention_lines
from gptviz.ui.frame import View

READ_A_PATTERN = (
    "each row is a token that looks, each column a token looked at. The stronger the colour, the "
    "larger the weight: 0 has the colour of the page, and the scale always ends at 1. "
)
ROWS_SUM_TO_1 = "Each row sums to 1. The corner is empty, for no token can see those after it."
HIDDEN_NAME = " without token 0, renormalised"
HIDDEN = (
    "Token 0 is hidden and each row renormalised, so that it sums to 1 again: this is not what "
    "the model computed, but shows what else a head looks at where much weight rests on token 0. "
    "A row with nothing left is blank."
)
MEASURES = {
    "relative entropy": "how widely a head spreads its weights: 0 is all on one token, 1 is the "
    "same on every token it can see (mean of entropy ÷ ln of the visible tokens, from row 1 on)",
    "previous token": "the weight on the token just before (mean of all rows from row 1 on)",
    "first token": "the weight on token 0 (mean of all rows from row 1 on); many heads rest there "
    "when they find nothing to gather",
    "induction": "the weight on what came next last time: after “one two three one”, how much the "
    "second “one” looks at the first “two” (mean of all tokens that occurred before)",
}
STEPS = ("q·k", "q·k ÷ √d", "weight", "weight × |v|")


def one_head(view: View, pattern: Tensor, name: str, query: int, note: str) -> None:
    """The chosen head's pattern as a square."""
    parts.chart(
        figures.heatmap(pattern.numpy(), view.tokens, view.scheme, query),
        key="pattern",
        name=name,
        shape=tuple(pattern.shape),
        how_to_read=f"{READ_A_PATTERN}{ROWS_SUM_TO_1} {note}",
        table=attention.pattern_table(pattern, view.tokens),
    )


def lines(view: View, pattern: Tensor, name: str, query: int, note: str) -> None:
    """The chosen head's pattern as lines from token to token."""
    left_out = attention_lines(pattern, view.tokens, query)
    how_to_read = (
        "a line leads from a token that looks to one it looks at; the clearer the line, the "
        "larger the weight. Point at a token to see its lines alone, with their weights; click "
        f"it to choose it. {left_out} {note}"
    )
    parts.source(name, tuple(pattern.shape), how_to_read)
    parts.numbers(attention.pattern_table(pattern, view.tokens), "lines")


def arithmetic(view: View, layer: int, head: int, query: int) -> None:
    """How the chosen head computes the row of the chosen token, number by number."""
    result = attention.arithmetic(view.trace, layer, head, query)
    table, at = result.table, f"h.{layer}.attn"
    d = len(result.z)
    most = table.iloc[int(table["weight"].to_numpy().argmax())]
    st.markdown(
        f"What {_quoted(query, view)} gathers, with the numbers for the token it looks at most, "
        f"{_quoted(most['position'], view)}:\n"
        f"1. Multiply its **query** (what it looks for) with each token's **key** (what that "
        f"token offers), number by number, and add up: q·k = {most['q·k']:.3f}\n"
        f"2. Divide by √d = √{d} = {math.sqrt(d):.3f}, to keep the numbers small however long the "
        f"vectors are: {most['q·k ÷ √d']:.3f}\n"
        f"3. **Mask**: strike out the tokens that come later ({len(view.ids) - 1 - query} of "
        f"{len(view.ids)}, hatched)\n"
        f"4. **Softmax**: raise e to each number and divide by the sum of all, which makes "
        f"weights that sum to 1: {most['weight']:.3f}\n"
        f"5. Multiply each token's **value** (what it hands over) by its weight, and add up: the "
        f"result is **z**\n"
    )
    parts.chart(
        figures.arithmetic_steps(
            {step: table[step].to_numpy() for step in STEPS},
            table["masked"].to_numpy(),
            view.tokens,
            view.scheme,
        ),
        key="arithmetic",
        name=f"{at}.q[{head}, {query}] · {at}.k[{head}]",
        shape=(len(view.ids), d),
        how_to_read="one bar a token looked at, one column a step. Weights run from 0 to 1; the "
        "other columns fit their numbers. |v| is the length of a value.",
        table=table,
    )
    parts.chart(
        figures.weighted_values(
            result.weighted[: query + 1], result.z, view.tokens[: query + 1], view.scheme
        ),
        key="weighted_values",
        name=f"{at}.pattern[{head}, {query}] × {at}.v[{head}]",
        shape=(query + 1, d),
        how_to_read="each row is a token's value times its weight; the last row is their sum, "
        f"{at}.z[{head}, {query}]. Blue is below 0, red above; the scale fits this picture.",
        table=attention.weighted_table(result, view.tokens),
    )
    st.caption(
        "All of this is computed anew from q, k and v; it differs from the model's own scores, "
        f"weights and z by at most {result.error:.1e}."
    )


def head_map(view: View, patterns: Tensor, chosen: tuple[int, int]) -> None:
    """All heads coloured by one measure."""
    measure = controls.choice("measure", "Colour by", list(MEASURES))
    measures = attention.head_measures(patterns, view.ids)
    values = measures[measure].numpy()
    if measures[measure].isnan().all():
        st.info(
            f"This prompt is too short, or repeats nothing, so no head has a value for {measure}."
        )
    parts.chart(
        figures.head_map(values, measure, view.scheme, chosen),
        key="head_map",
        name="h.*.attn.pattern",
        shape=tuple(patterns.shape),
        how_to_read=f"one square a head, coloured by {MEASURES[measure]}. The scale runs from 0 "
        "to 1. Measured on the model's own patterns, token 0 included.",
        table=attention.head_table(measures),
    )


def over_heads(view: View, heads: Tensor, name: str, query: int, note: str) -> None:
    """The heads of one layer as one pattern: their mean, or the largest of them."""
    ways = {
        "Mean": (attention.mean_over_heads, "the mean of the layer's heads. " + ROWS_SUM_TO_1),
        "Maximum": (
            attention.maximum_over_heads,
            "the largest weight that any head of the layer gives; its rows can sum to more than 1.",
        ),
    }
    way = controls.choice("over_heads", "Over heads", list(ways))
    combine, meaning = ways[way]
    pattern = combine(heads)
    parts.chart(
        figures.heatmap(pattern.numpy(), view.tokens, view.scheme, query),
        key="mean_or_maximum",
        name=f"{way.lower()} over heads of {name}",
        shape=tuple(heads.shape),
        how_to_read=f"{READ_A_PATTERN}Each square is {meaning} {note}",
        table=attention.pattern_table(pattern, view.tokens),
    )


def _quoted(position: int, view: View) -> str:
    return f"token {position} “{parts.literal(view.tokens[position])}”"
