"""Pictures of probabilities and losses."""

import html
from collections.abc import Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from gptviz.app.lines import look, small
from gptviz.app.theme import (
    LEGEND_ABOVE,
    MONO,
    PALETTES,
    TEXT_SIZE,
    Scheme,
    check_labels,
    cut,
    layout,
    token_ticks,
)

HEIGHT = 320
MOST_LOSS = 7.0  # nats, where the axis of the curve ends; p is 0.0009 there
LEAST_CHANCE = 1e-6  # that is written out
LEAST_SHARE = 5e-4  # that three decimals show
PITCH = 30  # pixels of a bar with its label
NARROWEST = 640


def probabilities(table: pd.DataFrame, target: int, scheme: Scheme) -> go.Figure:
    """The probability of each token as a bar, from 0 to 1; the one that came stands out."""
    colours = PALETTES[scheme]
    p = table["probability"].to_numpy()
    fill = np.where(np.arange(len(p)) == target, colours.accent, colours.sequential[3])
    return go.Figure(
        go.Bar(
            x=[f"token {token}" for token in table["token"]],
            y=small(p),
            marker={"color": fill},
            text=[_share(value) + (" ▼" if i == target else "") for i, value in enumerate(p)],
            textposition="outside",
            textfont={"size": TEXT_SIZE},
            cliponaxis=False,
            customdata=small(table["loss"].to_numpy()),
            hovertemplate="%{x}: p = %{y:.4g}<br>loss if it came: %{customdata:.4g}<extra></extra>",
        ),
        layout(
            scheme,
            height=HEIGHT,
            xaxis={"showgrid": False},
            yaxis={"title": "probability", "range": [0, 1]},
        ),
    )


def curve(
    table: pd.DataFrame, points: pd.DataFrame, names: Sequence[str], scheme: Scheme
) -> go.Figure:
    """−ln p over p, with points (probability, loss) by name; the first stands out.

    A point beyond the axis is left out of the picture. Raises ValueError unless each has a name.
    """
    check_labels(names, len(points), "points")
    colours = PALETTES[scheme]
    line = go.Scatter(
        x=small(table["probability"].to_numpy()),
        y=small(table["loss"].to_numpy()),
        name="−ln p",
        mode="lines",
        line=look(0, scheme),
        hovertemplate="p = %{x:.3f}<br>−ln p = %{y:.3f}<extra></extra>",
    )
    first = np.arange(len(points)) == 0
    marks = go.Scatter(
        x=small(points["probability"].to_numpy()),
        y=small(points["loss"].to_numpy()),
        text=[html.escape(cut(name), quote=False) for name in names],
        mode="markers+text",
        textposition="top right",
        textfont={"size": TEXT_SIZE, "color": np.where(first, colours.accent, colours.text)},
        marker={
            "size": np.where(first, 14, 9),
            "color": np.where(first, colours.accent, colours.muted),
        },
        showlegend=False,
        hovertemplate="%{text}<br>p = %{x:.4f}<br>loss %{y:.3f}<extra></extra>",
    )
    return go.Figure(
        [line, marks],
        layout(
            scheme,
            height=HEIGHT,
            showlegend=False,
            xaxis={"title": "p: probability of what came", "range": [0, 1.08]},
            yaxis={"title": "loss −ln p, nats", "range": [0, MOST_LOSS]},
        ),
    )


def next_losses(table: pd.DataFrame, scheme: Scheme) -> go.Figure:
    """The loss of each token if it came next, as a bar with its p; the first stands out."""
    colours = PALETTES[scheme]
    first = np.arange(len(table)) == 0
    probability = small(table["probability"].to_numpy())
    return go.Figure(
        go.Bar(
            x=list(range(len(table))),
            y=small(table["loss"].to_numpy()),
            marker={"color": np.where(first, colours.accent, colours.sequential[3])},
            text=[chance(p) + (" ▼" if i == 0 else "") for i, p in enumerate(probability)],
            textposition="outside",
            textfont={"size": TEXT_SIZE},
            cliponaxis=False,
            customdata=np.stack((table["rank"], probability), axis=-1),
            hovertemplate="number %{customdata[0]:,.0f}<br>p %{customdata[1]:.3g}"
            "<br>loss %{y:.3f}<extra></extra>",
        ),
        layout(
            scheme,
            height=HEIGHT,
            xaxis={
                "tickmode": "array",
                "tickvals": list(range(len(table))),
                "ticktext": [html.escape(cut(piece), quote=False) for piece in table["token"]],
                "tickfont": {"family": MONO, "size": TEXT_SIZE},
                "showgrid": False,
                "zeroline": False,
            },
            yaxis={"title": "loss, nats", "rangemode": "tozero"},
        ),
    )


def _share(p: float) -> str:
    """A probability from 0 to 1; softmax gives nothing exactly 0."""
    return f"{p:.3f}" if p >= LEAST_SHARE else "< 0.001"


def chance(p: float) -> str:
    """A probability in per cent, with two digits where it is small."""
    if p < LEAST_CHANCE:
        return f"< {100 * LEAST_CHANCE:g} %"
    if p >= 0.01:
        return f"{100 * p:.1f} %"
    return f"{np.format_float_positional(100 * p, 2, fractional=False, trim='-')} %"


def sentence(
    table: pd.DataFrame, tokens: Sequence[str], uniform: float, scheme: Scheme
) -> go.Figure:
    """The loss of each token but the first as a bar, the mean up to it as a line, and ln V.

    Raises ValueError unless there is one token more than rows.
    """
    check_labels(tokens, len(table) + 1, "tokens")
    ticks = token_ticks(tokens)
    labels = ticks.labels[1:]
    colours = PALETTES[scheme]
    bars = go.Bar(
        x=labels,
        y=small(table["loss"].to_numpy()),
        name="loss of this token",
        marker={"color": colours.sequential[2]},
        customdata=small(table["probability"].to_numpy()),
        hovertemplate="%{x}<br>p = %{customdata:.4g}<br>loss %{y:.4g}<extra></extra>",
    )
    mean = go.Scatter(
        x=labels,
        y=small(table["mean loss"].to_numpy()),
        name="mean up to here",
        mode="lines+markers",
        line=look(1, scheme),
        customdata=small(table["perplexity"].to_numpy()),
        hovertemplate="up to %{x}<br>mean %{y:.3f}<br>perplexity %{customdata:.1f}<extra></extra>",
    )
    blind = go.Scatter(
        x=[labels[0], labels[-1]],
        y=[uniform, uniform],
        name=f"ln V = {uniform:.2f}: a blind guess",
        mode="lines",
        line={"color": colours.muted, "dash": "dot"},
        hoverinfo="skip",
    )
    width = 110 + PITCH * len(table)
    return go.Figure(
        [bars, mean, blind],
        layout(
            scheme,
            height=260 + ticks.room,
            width=width if width > NARROWEST else None,
            legend=LEGEND_ABOVE,
            xaxis={
                **ticks.axis,
                "range": [-0.6, len(labels) - 0.4],  # or Plotly leaves a twentieth free
                "tickangle": -60,
                "title": ticks.note,
            },
            yaxis={"title": "−ln p, nats", "rangemode": "tozero"},
        ),
    )
