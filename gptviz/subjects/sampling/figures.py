"""Draws beside their probabilities, and probabilities stage by stage."""

import html
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from gptviz.app.theme import (
    LEGEND_ABOVE,
    LINE_WIDTH,
    MONO,
    PALETTES,
    TEXT_SIZE,
    Scheme,
    amounts,
    check_labels,
    layout,
)

ROW_PITCH = 30  # pixels


def drawn_bars(draws: pd.DataFrame, scheme: Scheme) -> go.Figure:
    """How often each token was drawn as a bar with its 95 % interval; the probability as a mark.

    draws is the table of `sampling.analysis.draw_table`. The scale fits the largest value of
    this picture and begins at 0.
    """
    palette = PALETTES[scheme]
    rows = list(range(len(draws)))
    frequency = draws["frequency"].to_numpy("float32")
    hover = [
        f"{html.escape(token, quote=False)}<br>drawn {count:,} times: {share:.2%}"
        f"<br>so between {low:.2%} and {high:.2%}<br>probability {probability:.2%}"
        for token, count, share, low, high, probability in zip(
            draws["token"],
            draws["count"],
            draws["frequency"],
            draws["low"],
            draws["high"],
            draws["probability"],
            strict=True,
        )
    ]
    bars = go.Bar(
        x=frequency,
        y=rows,
        orientation="h",
        name="drawn, with 95 % interval",
        marker={"color": palette.sequential[2]},
        error_x={
            "type": "data",
            "symmetric": False,
            "array": (draws["high"] - draws["frequency"]).to_numpy("float32"),
            "arrayminus": (draws["frequency"] - draws["low"]).to_numpy("float32"),
            "color": palette.text,
            "thickness": LINE_WIDTH,
        },
        customdata=hover,
        hovertemplate="%{customdata}<extra></extra>",
    )
    marks = go.Scatter(
        x=draws["probability"].to_numpy("float32"),
        y=rows,
        mode="markers",
        name="probability",
        marker={
            "symbol": "diamond",
            "size": 12,
            "color": palette.accent,
            "line": {"color": palette.background, "width": 1},
        },
        customdata=hover,
        hovertemplate="%{customdata}<extra></extra>",
    )
    return go.Figure(
        [bars, marks],
        layout(
            scheme,
            height=len(draws) * ROW_PITCH + 110,
            bargap=0.25,
            legend=LEGEND_ABOVE,
            xaxis={"title": "share of the draws", "tickformat": ".0%", "rangemode": "tozero"},
            yaxis=_token_axis(draws["token"].tolist()),
        ),
    )


def stage_heatmap(
    probabilities: np.ndarray, tokens: Sequence[str], stages: Sequence[str], scheme: Scheme
) -> go.Figure:
    """Probabilities (tokens, stages) after each stage, written into the cells; – where removed.

    The scale of the colours is 0 to 1. Raises ValueError unless there is one token for each row
    and one stage for each column.
    """
    check_labels(tokens, len(probabilities), "rows")
    check_labels(stages, probabilities.shape[1], "columns")
    escaped = [html.escape(token, quote=False) for token in tokens]
    written = [[f"{p:.2%}" if p > 0 else "–" for p in row] for row in probabilities]
    picture = go.Heatmap(
        z=probabilities.astype(np.float32),
        x=list(stages),
        text=written,
        customdata=[[token] * len(stages) for token in escaped],
        texttemplate="%{text}",
        textfont={"family": MONO, "size": TEXT_SIZE},
        hovertemplate="%{customdata}<br>%{x}: %{text}<extra></extra>",
        xgap=2,
        ygap=2,
        colorbar={"title": {"text": "probability"}, "tickformat": ".0%"},
        **amounts(scheme),
    )
    return go.Figure(
        picture,
        layout(
            scheme,
            height=len(tokens) * ROW_PITCH + 70,
            xaxis={"side": "top", "showgrid": False},
            yaxis=_token_axis(tokens),
        ),
    )


def _token_axis(tokens: Sequence[str]) -> dict[str, Any]:
    # Numbers with names: Plotly would merge rows of equal names.
    return {
        "tickmode": "array",
        "tickvals": list(range(len(tokens))),
        "ticktext": [html.escape(token, quote=False) for token in tokens],
        "tickfont": {"family": MONO, "size": TEXT_SIZE},
        "showgrid": False,
        "zeroline": False,
        "range": [len(tokens) - 0.5, -0.5],
    }
