"""Dropout on a few numbers, over many masks, and at three places of this text's run."""

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from gptviz.app import choices, show, typed
from gptviz.app.code import Code
from gptviz.app.frame import View
from gptviz.app.glossary import term
from gptviz.app.number_grid import number_grid
from gptviz.app.theme import Scheme, symmetric_limit
from gptviz.subjects.dropout import analysis, figures

MOST_ROWS, MOST_COLUMNS = 6, 8
NUMBERS = "0.5, −1.2, 2, 0.8; 1, 0.3, −0.7, −2; 1.5, 0.1, −0.4, 0.9"
SHARES = {f"{share / 20:g}": f"{share / 20:g}" for share in range(19)}
MODES = {"training": "while it learns", "evaluation": "while it is used"}
NUMBER_KEYS = ("drop_numbers", "mode")  # of the address
PLACE_KEYS = ("drop_at",)
TITLES = {
    "embeddings": "embeddings",
    "attention": "attention weights",
    "results": "what attention adds",
}
SAID = {
    "embeddings": "a row is a token, a cell one number of its vector as it enters the first block. "
    "A number that is gone is missing in every block.",
    "attention": "a row is a token that looks, a cell one token looked at. A weight that is gone "
    "means: do without that token this time. What stays is scaled, so a row no longer sums to 1.",
    "results": "a row is a token, a cell one number of what attention adds to its vector. What the "
    "MLP adds goes through dropout in the same way.",
}
BROKEN = (
    "not everything that this model computes from this text is a number (NaN), so dropout has "
    "nothing to leave out; choose another model"
)


def numbers(scheme: Scheme) -> None:
    """A few numbers, the mask, and what comes out."""
    rows = typed.text("drop_numbers", "Numbers: a row for each token", NUMBERS)
    p, seed, places = _share_and_seed()
    with places[2]:
        mode = choices.one_of("mode", "The network", MODES)
    x = typed.rows_in(rows, MOST_ROWS, MOST_COLUMNS)
    table = analysis.applied(x, p, mode, seed)  # type: ignore[arg-type]
    shape = (len(x), len(x[0]))
    grids = {name: table[name].to_numpy(float).reshape(shape) for name in table.columns[2:]}
    gone = int((~table["stays"]).sum())
    if mode == "evaluation":
        st.markdown("While the network is used, dropout does **nothing**: all numbers stay.")
    else:
        st.markdown(
            f"**{gone} of {len(table)}** numbers are 0 this time. What stays is divided by "
            f"1 − {p:g}, so it becomes **{1 / (1 - p):.3g} times** as large."
        )
    limit = symmetric_limit(table[["before", "after"]].to_numpy())
    titles = {"before": "Before", "stays": "The mask: 1 stays", "after": "After"}
    show.charts(
        {
            name: number_grid(
                grid,
                [f"row {i}" for i in range(shape[0])],
                [str(j) for j in range(shape[1])],
                1.0 if name == "stays" else limit,
                titles[name],
                scheme,
            )
            for name, grid in grids.items()
        },
        key="dropout",
        name="x · mask / (1 − p)",
        shape=shape,
        how_to_read=f"change the {term('seed')}, as each step of training does: other numbers are "
        "gone, and what stays is larger. The network cannot rely on any single number, so it "
        "spreads what it knows over many. Each step trains another part of the network; when it is "
        "used, all of it works together. What stays is scaled up so that sums stay about as large "
        "as they will be then (Srivastava et al., 2014, *Dropout: A Simple Way to Prevent Neural "
        "Networks from Overfitting*).",
        table=table,
        code=Code(analysis.applied, (f"table = applied({x!r}, {p!r}, {mode!r}, {seed})",)).drawn_as(
            number_grid,
            {
                name: f"number_grid.number_grid(table[{name!r}].to_numpy(float).reshape{shape}, "
                f"rows, columns, {1.0 if name == 'stays' else limit!r}, {titles[name]!r}, 'light')"
                for name in grids
            },
            f"rows = [f'row {{i}}' for i in range({shape[0]})]",
            f"columns = [str(j) for j in range({shape[1]})]",
        ),
    )


def masks(scheme: Scheme) -> None:
    """The mean of many masks, with the scaling and without it."""
    p, seed, _ = _share_and_seed()
    table = analysis.averages(p, seed)
    last = table.iloc[-1]
    st.markdown(
        f"Over {len(table):,} masks, a 1 comes out as **{last['scaled']:.3f}** on average; without "
        f"the division by 1 − {p:g} it would be **{last['not scaled']:.3f}**."
    )
    show.chart(
        figures.averages(table, scheme),
        key="averages",
        name="mean of mask / (1 − p)",
        shape=(len(table),),
        how_to_read="with the scaling the mean comes to 1, the number itself; without it, to 1 − "
        "p. Each mask sets the number to 0 or leaves it; the lines are the mean of all masks so "
        "far. With the scaling the network meets numbers of the same size when it is used. "
        "Without it, it would meet larger ones than it has learnt with. The axis of masks "
        "multiplies: 1, 10, 100, 1,000.",
        table=table,
        code=Code(analysis.averages, (f"table = averages({p!r}, {seed})",)).drawn(figures.averages),
    )


def three_places(view: View) -> None:
    """Dropout at the places of this model's run on the text."""
    p, seed, places = _share_and_seed()
    with places[2]:
        place = choices.one_of("drop_at", "Where", TITLES)
    left, right = st.columns(2)
    layer = head = 0
    if place != "embeddings":
        with left:
            layer = choices.layer(view.lm)
    if place == "attention":
        with right:
            head = choices.head(view.lm)
    table = analysis.at_place(view.trace, place, layer, head, p, seed)
    if not np.isfinite(table["before"]).all():
        raise ValueError(BROKEN)
    setting, name = analysis.PLACES[place]
    name = name.format(layer=layer) + (f"[{head}]" if place == "attention" else "")
    st.markdown(
        f"**{int((~table['stays']).sum()):,} of {len(table):,}** numbers of `{name}` would be 0 in "
        f"this step of training. This model's own share here is "
        f"{getattr(view.lm.config, setting):g} (`{setting}`)."
    )
    T = len(view.tokens)
    grids = {step: table[step].to_numpy().reshape(T, -1) for step in ("before", "after")}
    limit = None if place == "attention" else symmetric_limit(table["after"].to_numpy())
    show.charts(
        {
            step: figures.place(grid, view.tokens, step.capitalize(), limit, view.scheme)
            for step, grid in grids.items()
        },
        key="dropped",
        name=name,
        shape=grids["before"].shape,
        how_to_read=f"{SAID[place]} This is what one step of training would do to your text; the "
        "model that you see is used, so nothing is really left out. Of vectors, the first "
        "dimensions are shown.",
        table=table,
        code=view.code(
            analysis.at_place, f"table = at_place(trace, {place!r}, {layer}, {head}, {p!r}, {seed})"
        ).drawn_as(
            figures.place,
            {
                step: f"figures.place(table[{step!r}].to_numpy().reshape({T}, -1), trace.tokens, "
                f"{step.capitalize()!r}, {limit!r}, 'light')"
                for step in grids
            },
        ),
    )


def _share_and_seed() -> tuple[float, int, list[DeltaGenerator]]:
    """The share of numbers that go, the seed, and the row of both, whose last place is free."""
    places = st.columns([5, 2, 7])
    with places[0]:
        p = float(choices.one_in_order("drop", "p: the share that is set to 0", SHARES, "0.2"))
    with places[1]:
        seed = typed.seed("drop_seed")
    return p, seed, places
