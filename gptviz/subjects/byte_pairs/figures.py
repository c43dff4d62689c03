"""Pictures of a vocabulary's size, of merges, and of letters that fall apart."""

import html

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from gptviz.app.lines import logarithmic_ticks, look, plain_numbers, small
from gptviz.app.theme import (
    LEGEND_ABOVE,
    MONO,
    OUTLINE,
    PALETTES,
    TEXT_SIZE,
    Scheme,
    cut,
    layout,
    token_ticks,
)

MARK = 13  # pixels
AROUND = 12  # merges that are drawn before and after the last one
MOST_PARTS = 4  # bytes of a letter in UTF-8


def sizes(
    table: pd.DataFrame,
    chosen: tuple[int, int],
    others: dict[str, tuple[int, int]],
    scheme: Scheme,
) -> go.Figure:
    """Tokens of a text over the size of the vocabulary, from `analysis.sizes`.

    chosen is a size of it with its tokens; others are sizes and tokens of other tokenizers.
    """
    colours = PALETTES[scheme]
    told = "NAME<br>vocabulary %{x:,}<br>%{y:,} tokens<extra></extra>"
    x = table["vocabulary"].to_numpy()
    traces = [
        go.Scatter(
            x=x,
            y=table["tokens"].to_numpy(),
            name="byte pairs",
            mode="lines+markers" if len(x) < 5 else "lines",
            line=look(0, scheme),
            hovertemplate=told.replace("NAME", "byte pairs"),
        )
    ]
    marks = {"the chosen size": chosen, **others}
    looks = (("circle", colours.accent), ("square", colours.text), ("diamond", colours.muted))
    for (name, (size, tokens)), (symbol, colour) in zip(marks.items(), looks, strict=False):
        traces.append(
            go.Scatter(
                x=[size],
                y=[tokens],
                name=name,
                mode="markers",
                marker={"symbol": symbol, "size": MARK, "color": colour},
                hovertemplate=told.replace("NAME", name),
            )
        )
    ticks = logarithmic_ticks(np.array([*x, *(size for size, _ in marks.values())]))
    return go.Figure(
        traces,
        layout(
            scheme,
            height=385,
            legend=LEGEND_ABOVE,
            xaxis={
                "type": "log",
                "title": "size of the vocabulary",
                "tickvals": ticks,
                "ticktext": plain_numbers(ticks),
            },
            yaxis={"title": "tokens of the text", "rangemode": "tozero"},
        ),
    )


def merges(table: pd.DataFrame, done: int, scheme: Scheme) -> go.Figure:
    """How often each merge joins two neighbours, from `analysis.merges`, as bars.

    The last of those that are done stands out, with those around it.
    """
    colours = PALETTES[scheme]
    last = done - 1
    first = max(0, min(last - AROUND, len(table) - 2 * AROUND))
    shown = table.iloc[first : first + 2 * AROUND]
    ranks = shown["rank"].to_numpy()
    fill = np.where(ranks == last, colours.accent, colours.sequential[3])
    fill[ranks > last] = colours.sequential[1]
    edge = np.where(ranks == last, colours.accent, colours.sequential[3])
    labels = [
        f"{row.rank} {html.escape(cut(row.merged), quote=False)}" for row in shown.itertuples()
    ]
    told = [
        html.escape(f"rank {row.rank}: {row.left} + {row.right} → {row.merged}", quote=False)
        for row in shown.itertuples()
    ]
    return go.Figure(
        go.Bar(
            x=labels,
            y=shown["joined"].to_numpy(),
            marker={
                "color": fill.tolist(),
                "line": {
                    "color": edge.tolist(),
                    "width": np.where(ranks == last, OUTLINE, ranks > last).tolist(),
                },
            },
            customdata=told,
            hovertemplate="%{customdata}<br>joined %{y:,} times<extra></extra>",
        ),
        layout(
            scheme,
            height=360,
            xaxis={
                "type": "category",
                "showgrid": False,
                "tickangle": -45,
                "tickfont": {"family": MONO, "size": TEXT_SIZE},
            },
            yaxis={"title": "times joined", "rangemode": "tozero"},
        ),
    )


def letters(table: pd.DataFrame, own: str, scheme: Scheme) -> go.Figure:
    """Into how many tokens each letter falls, from `analysis.letters`; own names the first."""
    colours = PALETTES[scheme]
    ticks = token_ticks(table["letter"].tolist())
    bars = [
        go.Bar(
            x=ticks.labels,
            y=small(table[column].to_numpy()),
            name=name,
            marker={"color": colour, "pattern": {"shape": pattern, "fillmode": "overlay"}},
            hovertemplate=f"%{{x}}<br>{name}: tokens that hold a part: %{{y}}<extra></extra>",
        )
        for column, name, colour, pattern in (
            ("own", own, colours.accent, ""),
            ("GPT-2", "GPT-2", colours.sequential[3], "/"),
        )
    ]
    return go.Figure(
        bars,
        layout(
            scheme,
            height=310,
            barmode="group",
            legend=LEGEND_ABOVE,
            xaxis=ticks.axis,
            yaxis={"title": "tokens", "range": [0, MOST_PARTS], "dtick": 1},
        ),
    )
