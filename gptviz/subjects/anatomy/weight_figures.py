"""Pictures of weights: how a tensor's numbers are spread, its spectrum, norms over the layers."""

from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from gptviz.app.lines import columns, logarithmic_ticks, plain_numbers, small
from gptviz.app.theme import LEGEND_ABOVE, LINE_WIDTH, PALETTES, Scheme, layout

SPAN = 1e4


def histogram(table: pd.DataFrame, name: str, scheme: Scheme) -> go.Figure:
    """How a tensor's numbers are spread, from `weights_analysis.histogram`, beside a normal one."""
    colours = PALETTES[scheme]
    middles = small(((table["from"] + table["to"]) / 2).to_numpy())
    bars = go.Bar(
        x=middles,
        y=small(table["share"].to_numpy()),
        name=name,
        marker={"color": colours.sequential[3]},
        hovertemplate="about %{x:.3g}<br>%{y:.2%} of the numbers<extra></extra>",
    )
    line = go.Scatter(
        x=middles,
        y=small(table["normal"].to_numpy()),
        name="normal distribution",
        mode="lines",
        line={"color": colours.accent, "width": LINE_WIDTH, "dash": "dash"},
        hovertemplate="about %{x:.3g}<br>%{y:.2%} of normal numbers<extra></extra>",
    )
    return go.Figure(
        [bars, line],
        layout(
            scheme,
            height=320,
            bargap=0,
            legend=LEGEND_ABOVE,
            xaxis={"title": "value of a number"},
            yaxis={"title": "share", "tickformat": ".0%", "rangemode": "tozero"},
        ),
    )


def spectrum(values: np.ndarray, limits: tuple[float, float], scheme: Scheme) -> go.Figure:
    """Singular values, largest first, (n,), and the band in which a random matrix has all.

    The axis multiplies, and ends SPAN times below the largest.
    """
    colours = PALETTES[scheme]
    line = go.Scatter(
        x=np.arange(1, len(values) + 1),
        y=small(values),
        mode="lines+markers" if len(values) <= 64 else "lines",
        line={"color": colours.sequential[3], "width": LINE_WIDTH + 1},
        hovertemplate="number %{x}<br>%{y:.4g}<extra></extra>",
    )
    low, high = limits
    band = {
        **{"type": "rect", "xref": "paper", "x0": 0, "x1": 1, "y0": max(low, 1e-12), "y1": high},
        **{"layer": "below", "fillcolor": colours.grid, "line": {"width": 0}},
    }
    axis = _multiplying(values, high)
    at = np.log10(high) if axis.get("type") == "log" and high else high  # as Plotly wants it
    words = {"text": "a random matrix", "xref": "paper", "x": 1, "y": at, "showarrow": False}
    return go.Figure(
        line,
        layout(
            scheme,
            height=320,
            shapes=[band],
            annotations=[words | {"xanchor": "right", "yanchor": "bottom"}],
            xaxis={"title": "singular value, from the largest"},
            yaxis={"title": "size", **axis},
        ),
    )


def _multiplying(values: np.ndarray, high: float) -> dict[str, Any]:
    """A logarithmic axis for values, largest first, and up to another one, unless all is 0."""
    most = max(float(values[0]), high)
    if not most:
        return {"rangemode": "tozero"}
    least = max(float(values[-1]), most / SPAN)
    ticks = logarithmic_ticks(np.array([least, most]))
    return {
        "type": "log",
        "range": [np.log10(least) - 0.1, np.log10(most) + 0.1],
        "tickvals": ticks,
        "ticktext": plain_numbers(ticks),
    }


def norms(table: pd.DataFrame, scheme: Scheme) -> go.Figure:
    """The norm of each matrix of a block over the layers, from `weights_analysis.norms`."""
    figure = go.Figure(
        layout=layout(
            scheme,
            height=340,
            legend=LEGEND_ABOVE,
            xaxis={"title": "layer", "dtick": max(1, len(table) // 12)},
            yaxis={"title": "norm", "rangemode": "tozero"},
        )
    )
    names = {name: name for name in table.columns[1:]}
    hover = "L%{x} NAME<br>norm %{y:.4g}"
    figure.add_traces(columns(table, "layer", names, hover, scheme, "lines+markers"))
    return figure
