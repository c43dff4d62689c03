"""Pictures of changes: two distributions beside each other, and a pattern's difference."""

import html
from collections.abc import Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from gptviz.app.theme import (
    LEGEND_ABOVE,
    MONO,
    PALETTES,
    TEXT_SIZE,
    Scheme,
    check_labels,
    layout,
    signed,
    token_ticks,
)

ROW_PITCH = 38  # pixels


def before_and_after(table: pd.DataFrame, scheme: Scheme) -> go.Figure:
    """The likeliest next tokens of two runs as pairs of bars, on a scale from 0 to 1.

    table has the columns token, before and after.
    """
    palette = PALETTES[scheme]
    rows = list(range(len(table)))
    bars = [
        go.Bar(
            x=table[column].to_numpy("float32"),
            y=rows,
            orientation="h",
            name=column,
            marker={"color": colour},
            customdata=[html.escape(token, quote=False) for token in table["token"]],
            hovertemplate=f"%{{customdata}} {column}: %{{x:.2%}}<extra></extra>",
        )
        for column, colour in (("before", palette.muted), ("after", palette.accent))
    ]
    return go.Figure(
        bars,
        layout(
            scheme,
            height=len(table) * ROW_PITCH + 110,
            bargap=0.25,
            legend=LEGEND_ABOVE,
            xaxis={"range": [0, 1], "tickformat": ".0%", "title": "probability"},
            yaxis={
                "autorange": "reversed",
                "tickmode": "array",
                "tickvals": rows,
                "ticktext": [html.escape(token, quote=False) for token in table["token"]],
                "tickfont": {"family": MONO, "size": TEXT_SIZE},
                "showgrid": False,
            },
        ),
    )


def difference(values: np.ndarray, tokens: Sequence[str], scheme: Scheme) -> go.Figure:
    """How much each weight of a pattern changed, (T, T), on a scale from −1 to 1.

    Raises ValueError unless there is one token for each row.
    """
    check_labels(tokens, len(values), "rows and columns")
    ticks = token_ticks(tokens)
    side = min(560, max(200, 40 * len(tokens)))
    return go.Figure(
        go.Heatmap(
            z=values.astype(np.float32),
            x=ticks.labels,
            y=ticks.labels,
            hovertemplate="%{y} looks at<br>%{x}<br>weight changed by %{z:+.3f}<extra></extra>",
            colorbar={"title": {"text": "change"}, "len": 200, "lenmode": "pixels"},
            **signed(scheme, 1.0),
        ),
        layout(
            scheme,
            width=side + ticks.room + 140,
            height=side + ticks.room + 60,
            xaxis=ticks.axis | {"tickangle": -90},
            yaxis=ticks.axis | {"autorange": "reversed"},
        ),
    )
