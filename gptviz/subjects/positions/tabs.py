"""The matrix of positions, the sum of a token and its place, and a text in another order."""

import numpy as np
import streamlit as st

from gptviz.app import choices, look, show, typed
from gptviz.app.frame import View
from gptviz.app.glossary import term
from gptviz.app.number_grid import number_grid
from gptviz.app.powers import fixed
from gptviz.app.theme import symmetric_limit
from gptviz.subjects.positions import analysis, figures

MATRIX_KEYS = ("position_kind",)  # of the address
SHUFFLE_KEYS = ("order_seed",)
SHOWN = 10  # dimensions whose numbers stand in cells
CLOSE = 1e-6
NARROW = 200  # pixels of a control
OWN = {
    "learned": "This model learnt its position vectors: they began as small random numbers.",
    "sinusoidal": "This model has waves itself, so both pictures are the same.",
    "none": "This model has no position vectors: its own are all 0.",
}
BROKEN = (
    "not everything that this model computes from this text is a number (NaN), so there is nothing "
    "to add or to compare; choose another model"
)


def matrix(view: View) -> None:
    """All numbers that are added for a place, of waves or of the model itself."""
    titles = {"waves": "Waves (2017)", "own": f"Those of {view.lm.name}"}
    kind: analysis.Kind = choices.one_of("position_kind", "Position vectors", titles)  # type: ignore[assignment]
    table = look.look(analysis.matrix, view.lm, kind)
    values = table.iloc[:, 1:].to_numpy()
    if not np.isfinite(values).all():
        raise ValueError(BROKEN)
    st.markdown(
        "Each pair of columns is a sine and a cosine; from left to right they get slower, from one "
        "turn in 6.3 positions to one in nearly 63,000. A row is like the hands of many clocks: "
        "together they tell the place."
        if kind == "waves"
        else OWN[view.lm.config.position]
    )
    show.chart(
        figures.matrix(table, view.scheme),
        key="position_matrix",
        name="sin, cos(position ÷ 10000^(2i ÷ C))" if kind == "waves" else "wpe.weight",
        shape=values.shape,
        how_to_read="each row is the vector of one position; red is above 0, blue below. At most "
        f"the first {analysis.MOST_POSITIONS} positions and {analysis.MOST_DIMENSIONS} dimensions "
        "are drawn. The scale fits this picture.",
        table=table,
        code=view.code(analysis.matrix, f"table = matrix(lm, {kind!r})").drawn(figures.matrix),
    )


def added(view: View, position: int) -> None:
    """One token's vector, its place's, and their sum, in numbers."""
    table = analysis.added(view.trace, position)
    columns = {"token": "wte", "position": "wpe", "sum": "sum"}
    values = table[list(columns)].to_numpy().T
    if not np.isfinite(values).all():
        raise ValueError(BROKEN)
    lengths = [fixed(float(np.linalg.norm(row)), 2) for row in values]
    st.markdown(
        f"“{show.literal(view.tokens[position])}” stands at position {position}. Its "
        f"{term('embedding')} has the length {lengths[0]}, the "
        f"{term('position embedding', 'vector of its place')} {lengths[1]}, and their sum, "
        f"which is all that the network gets of both, {lengths[2]}."
    )
    shown = values[:, :SHOWN]
    title = f"the first {shown.shape[1]} of {values.shape[1]} dimensions"
    show.chart(
        number_grid(
            shown,
            list(columns.values()),
            [str(i) for i in range(shown.shape[1])],
            symmetric_limit(shown),
            title,
            view.scheme,
        ),
        key="position_added",
        name=f"wte[{position}] + wpe[{position}] = embed[{position}]",
        shape=(values.shape[1],),
        how_to_read="in each column, the first two numbers make the third. Red is above 0, blue "
        "below; the scale fits this picture. The table has all dimensions, and beside the sum "
        "what was recorded in this run.",
        table=table,
        code=view.code(analysis.added, f"table = added(trace, {position})").drawn(
            number_grid,
            f"values, {list(columns.values())!r}, [str(i) for i in range({shown.shape[1]})], "
            f"symmetric_limit(values), {title!r}",
            "from gptviz.app.theme import symmetric_limit",
            f"values = table[{list(columns)!r}].to_numpy().T[:, :{SHOWN}]",
        ),
    )
    error = float((table["sum"] - table["recorded"]).abs().max())
    sign = "✅" if error <= CLOSE * max(1.0, float(np.abs(values[2]).max())) else "❌"
    apart = f"{error:.1e}".replace("-", "−") if error else "0"
    st.markdown(f"{sign} In this run, `embed[{position}]` is that sum: {apart} apart at most.")


def shuffled(view: View) -> None:
    """The same tokens in another order, and where the network notices."""
    with st.container(width=NARROW):
        seed = typed.seed("order_seed")
    other = analysis.shuffled_ids(view.ids, seed)
    if not view.trace.logits.isfinite().all():
        raise ValueError(BROKEN)
    st.markdown("All tokens but the last one are shuffled:")
    st.code(view.lm.tokenizer.decode(other), language=None, wrap_lines=True)
    found = look.look_for_long(
        analysis.shuffled, view.lm, view.ids, seed, words="Running the model with both orders …"
    )
    table, guesses = found.moved, found.guesses
    call = f"shuffled(lm, tuple(trace.ids), {seed})"
    first, last = table.iloc[1], table.iloc[-1]
    st.markdown(
        f"Without positions, the last token's vector moves by **{first['none']:.1%}** in layer 0: "
        f"the last token sees the same tokens before it, and their order does not count. With the "
        f"model's own positions it is {first['own']:.1%}. At the end it is {last['none']:.1%} "
        f"without, {last['waves']:.1%} with waves and {last['own']:.1%} with its own."
    )
    show.chart(
        figures.shuffling(table, view.scheme),
        key="shuffling",
        name="‖x′ − x‖ ÷ ‖x‖ of the last token, embed … h.*",
        shape=(len(table), view.lm.config.n_embd),
        how_to_read="how far the last token's vector is from the one with the tokens in order, as "
        "a part of its length. Later layers notice the order even without positions: each token "
        "sees only those before it, so in another order the vectors that are looked at are others "
        "(Haviv et al., 2022, *Transformer Language Models without Positional Encodings Still "
        "Learn Positional Information*). The model was trained with its own positions; the waves "
        "are made as long as those, and it never learnt to read them.",
        table=table,
        code=view.code(analysis.shuffled, f"table = {call}.moved").drawn(figures.shuffling),
    )
    named = guesses.assign(positions=guesses["positions"].map(figures.TITLES))
    st.markdown("What comes next, in order and shuffled:")
    st.dataframe(named, hide_index=True, key="guesses_shown")
    show.source(
        "softmax(logits[-1])",
        (view.lm.config.vocab_size,),
        "how much of the guess moved, from 0 (the same) to 1 (nothing in common): the "
        f"{term('total variation distance')}.",
    )
    show.numbers(
        guesses,
        "guesses",
        view.code(analysis.shuffled, f"table = {call}.guesses"),
    )
