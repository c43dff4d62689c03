"""A tree of beams, texts by their likelihood, a grid of settings, and the time of each token."""

import html
from collections.abc import Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from gptviz.app.lines import columns, small
from gptviz.app.powers import fixed
from gptviz.app.theme import (
    LEGEND_ABOVE,
    LINE_WIDTH,
    MONO,
    PALETTES,
    TEXT_SIZE,
    Scheme,
    cut,
    layout,
)

STEP_PITCH, LANE_PITCH = 76, 46  # pixels
PIECE_SHOWN = 8  # characters of a token in the tree
GRID_TITLES = {
    "distinct_1": "distinct-1",
    "distinct_2": "distinct-2",
    "distinct_3": "distinct-3",
    "repetition": "repetition",
    "log_probability": "mean log-probability",
    "entropy": "entropy",
}
SHARES = ("distinct_1", "distinct_2", "distinct_3", "repetition")
LIKELIHOODS = {
    "mean": "mean log-probability of a token, nats",
    "sum": "log-probability of the whole text, nats",
}


def tree(table: pd.DataFrame, lanes: Sequence[Sequence[int]], scheme: Scheme) -> go.Figure:
    """The tokens that a beam search kept, from `beam_analysis.tree_table`, a column a step.

    lanes says in which row each of them stands. The best text is thick and orange; what leads to
    another text that was found is a line, and what was given up is dotted.
    """
    palette = PALETTES[scheme]
    looks = {
        "given up": {"color": palette.mark, "width": 1, "dash": "dot"},
        "leads to a text that was found": {"color": palette.sequential[3], "width": LINE_WIDTH},
        "the best text": {"color": palette.accent, "width": 2 * LINE_WIDTH},
    }
    given_up, found, best = looks
    names = np.select([table["rank"] == 1, table["rank"] > 1], [best, found], given_up)
    where = {
        (step, place): lanes[step - 1][place]
        for step, place in zip(table["step"], table["place"], strict=True)
    }
    y = np.array([*where.values()])
    ends: dict[str, tuple[list[float | None], list[float | None]]] = {n: ([], []) for n in looks}
    for name, step, parent, lane in zip(names, table["step"], table["parent"], y, strict=True):
        x_ends, y_ends = ends[name]
        x_ends += [step - 1, step, None]
        y_ends += [where.get((step - 1, parent), 0), lane, None]
    traces = [
        go.Scatter(x=x_ends, y=y_ends, mode="lines", name=name, line=looks[name], hoverinfo="skip")
        for name, (x_ends, y_ends) in ends.items()
        if x_ends
    ]
    tokens = go.Scatter(
        x=table["step"].to_numpy(),
        y=y,
        mode="markers+text",
        text=[html.escape(cut(token, PIECE_SHOWN), quote=False) for token in table["token"]],
        textposition="top center",
        textfont={"family": MONO, "size": TEXT_SIZE},
        marker={
            "size": 9,
            "color": [looks[name]["color"] for name in names],
            "symbol": ["square" if ended else "circle" for ended in table["ended"]],
        },
        customdata=[
            f"{html.escape(token, quote=False)}<br>ln p of this token {fixed(own, 3)}"
            f"<br>ln p of the text up to here {fixed(total, 3)}"
            for token, own, total in zip(
                table["token"], table["log_probability"], table["total"], strict=True
            )
        ],
        hovertemplate="%{customdata}<extra></extra>",
        showlegend=False,
    )
    steps, rows = int(table["step"].max()), int(y.max()) + 1
    return go.Figure(
        [*traces, tokens],
        layout(
            scheme,
            width=STEP_PITCH * (steps + 1) + 60,
            height=LANE_PITCH * rows + 130,
            legend=LEGEND_ABOVE,
            xaxis={
                "title": "token",
                "range": [-0.4, steps + 0.7],
                "tickmode": "array",
                "tickvals": [0, *range(1, steps + 1)],
                "ticktext": ["your text", *map(str, range(1, steps + 1))],
                "showgrid": False,
                "zeroline": False,
            },
            yaxis={"visible": False, "range": [rows - 0.5, -0.8]},
        ),
    )


def likelihoods(table: pd.DataFrame, by: str, scheme: Scheme) -> go.Figure:
    """Texts of `batch_analysis.ranked`, a bar each, by "mean" or "sum"; the likeliest on top."""
    palette = PALETTES[scheme]
    rows = list(range(len(table)))
    greedy = table["written with"] == "greedy"
    bars = go.Bar(
        x=small(table[by].to_numpy()),
        y=rows,
        orientation="h",
        marker={"color": np.where(greedy, palette.accent, palette.sequential[3]).tolist()},
        text=[fixed(value, 2) for value in table[by]],
        textposition="outside",
        cliponaxis=False,
        customdata=[
            f"{name}<br>ln p of the whole text {fixed(total, 2)}<br>a token {fixed(mean, 3)}"
            f"<br>perplexity {fixed(perplexity, 2)}"
            for name, total, mean, perplexity in table[
                ["written with", "sum", "mean", "perplexity"]
            ].itertuples(index=False)
        ],
        hovertemplate="%{customdata}<extra></extra>",
    )
    least = float(table[by].min())
    return go.Figure(
        [bars],
        layout(
            scheme,
            height=len(table) * 30 + 90,
            bargap=0.25,
            xaxis={"title": LIKELIHOODS[by], "range": [1.18 * least, 0]},
            yaxis={
                "tickmode": "array",
                "tickvals": rows,
                "ticktext": table["written with"].tolist(),
                "range": [len(table) - 0.5, -0.5],
                "showgrid": False,
                "zeroline": False,
            },
        ),
    )


def grid(
    table: pd.DataFrame, by: str, measure: str, marked: Sequence[tuple[float, int]], scheme: Scheme
) -> go.Figure:
    """One measure of `batch_analysis.grid` in each cell; marked cells are outlined.

    Shares are coloured from 0 to 1, nats from the least to the largest of this picture.
    """
    palette = PALETTES[scheme]
    cells = table.pivot(index="temperature", columns=by, values=measure)
    order = [*table[by].unique()]
    cells = cells[order]
    share = measure in SHARES

    def told(value: float) -> str:
        if np.isnan(value):
            return "–"
        return f"{value:.1%}" if share else fixed(value, 2)

    picture = go.Heatmap(
        z=small(cells.to_numpy()),
        x=[_limit(by, limit) for limit in order],
        y=[f"{temperature:g}" for temperature in cells.index],
        text=[[told(value) for value in row] for row in cells.to_numpy()],
        texttemplate="%{text}",
        textfont={"size": TEXT_SIZE, "color": palette.text},
        hovertemplate="temperature %{y}, %{x}: %{text}<extra></extra>",
        xgap=3,
        ygap=3,
        colorscale=[(i / 2, colour) for i, colour in enumerate(palette.sequential[:3])],
        **({"zmin": 0.0, "zmax": 1.0} if share else {}),
        showscale=False,
    )
    line = {"color": palette.accent, "width": 3}
    shapes = [
        {
            **{"type": "rect", "line": line},
            **{"x0": order.index(limit) - 0.5, "x1": order.index(limit) + 0.5},
            **{"y0": row - 0.5, "y1": row + 0.5},
        }
        for temperature, limit in marked
        for row in [[*cells.index].index(temperature)]
    ]
    return go.Figure(
        [picture],
        layout(
            scheme,
            height=360,
            shapes=shapes,
            xaxis={"type": "category", "title": "", "showgrid": False},
            yaxis={"type": "category", "title": "temperature", "showgrid": False},
        ),
    )


def times(table: pd.DataFrame, scheme: Scheme) -> go.Figure:
    """Milliseconds a token of `cache_analysis.measured`, with the cache and without."""
    scaled = table.assign(**{name: 1000 * table[name] for name in ("with_cache", "without_cache")})
    names = {"with_cache": "with the cache", "without_cache": "without"}
    hover = "after %{x} tokens<br>NAME: %{y:.2f} ms"
    return go.Figure(
        columns(scaled, "read", names, hover, scheme),
        layout(
            scheme,
            height=360,
            legend=LEGEND_ABOVE,
            xaxis={"title": "tokens before it"},
            yaxis={"title": "milliseconds for one token", "rangemode": "tozero"},
        ),
    )


def _limit(by: str, limit: float) -> str:
    if by == "top_k":
        return f"top-k {limit:.0f}" if limit else "top-k off"
    return f"top-p {limit:g}" if limit < 1 else "top-p off"
