"""The arithmetic of one query, number by number: one tab of the attention page."""

import math

import streamlit as st

from gptviz.app import show
from gptviz.app.frame import View
from gptviz.app.glossary import term
from gptviz.subjects.attention import analysis as attention
from gptviz.subjects.attention import figures
from gptviz.subjects.attention.finding import named

STEPS = ("q·k", "q·k ÷ √d", "weight", "weight × |v|")


def arithmetic(view: View, layer: int, head: int, query: int) -> None:
    """How the chosen head computes the row of the chosen token, number by number."""
    result = attention.arithmetic(view.trace, layer, head, query)
    table, at = result.table, f"h.{layer}.attn"
    d, divisor = len(result.z), view.lm.config.attn_divisor(layer)
    usual = divisor == math.sqrt(d)
    divided = (
        f"√d = √{d} = {divisor:.3f}" if usual else f"{divisor:.3f}, as this model's config says"
    )
    most = table.iloc[int(table["weight"].to_numpy().argmax())]
    st.markdown(
        f"What token {named(view, query)} gathers, with the numbers for the token it looks at "
        f"most, {named(view, most['position'])}:\n"
        f"1. Multiply its **query** (what it looks for) with each token's **key** (what that "
        f"token offers), number by number, and add up: q·k = {most['q·k']:.3f}\n"
        f"2. Divide by {divided}, to keep the numbers small however long the "
        f"vectors are: {most['q·k ÷ √d']:.3f}\n"
        f"3. **Mask**: strike out the tokens that come later ({len(view.ids) - 1 - query} of "
        f"{len(view.ids)}, hatched)\n"
        f"4. **{term('softmax', 'Softmax')}**: raise e to each number and divide by the sum of "
        f"all, which makes weights that sum to 1: {most['weight']:.3f}\n"
        f"5. Multiply each token's **value** (what it hands over) by its weight, and add up: the "
        f"result is **z**\n"
    )
    show.chart(
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
        code=view.code(
            attention.arithmetic, f"table = arithmetic(trace, {layer}, {head}, {query}).table"
        ).drawn(
            figures.arithmetic_steps,
            'steps, table["masked"].to_numpy(), trace.tokens',
            f"steps = {{step: table[step].to_numpy() for step in {STEPS!r}}}",
        ),
    )
    show.chart(
        figures.weighted_values(
            result.weighted[: query + 1], result.z, view.tokens[: query + 1], view.scheme
        ),
        key="weighted_values",
        name=f"{at}.pattern[{head}, {query}] × {at}.v[{head}]",
        shape=(query + 1, d),
        how_to_read="each row is a token's value times its weight; the last row is their sum, "
        f"{at}.z[{head}, {query}]. Blue is below 0, red above; the scale fits this picture.",
        table=attention.weighted_table(result, view.tokens),
        code=view.code(
            attention.weighted_table,
            "from gptviz.subjects.attention.analysis import arithmetic",
            f"result = arithmetic(trace, {layer}, {head}, {query})",
            "table = weighted_table(result, trace.tokens)",
        ).drawn(
            figures.weighted_values,
            f"result.weighted[:{query + 1}], result.z, trace.tokens[:{query + 1}]",
        ),
    )
    st.caption(
        "All of this is computed anew from q, k and v; it differs from the model's own scores, "
        f"weights and z by at most {result.error:.1e} (of a number above 1, as a share of it)."
    )
