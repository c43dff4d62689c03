"""Pictures of position vectors: the matrix, a sum in numbers, and what shuffling moves."""

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from gptviz.app.lines import look, small
from gptviz.app.theme import LEGEND_ABOVE, Scheme, layout, signed, symmetric_limit

HEIGHT = 300  # pixels of the matrix: on the first screen of a small projector
TITLES = {"own": "the model's own positions", "waves": "waves", "none": "no positions"}


def matrix(table: pd.DataFrame, scheme: Scheme) -> go.Figure:
    """Position vectors as a map, from `analysis.matrix`: a row a position, a column a dimension."""
    values = table.iloc[:, 1:].to_numpy()
    return go.Figure(
        go.Heatmap(
            z=small(values),
            y=table["position"].to_numpy(),
            hovertemplate="position %{y}, dimension %{x}<br>%{z:.4f}<extra></extra>",
            **signed(scheme, symmetric_limit(values)),
        ),
        layout(
            scheme,
            height=HEIGHT,
            xaxis={"title": "dimension", "showgrid": False},
            yaxis={"title": "position", "autorange": "reversed", "showgrid": False},
        ),
    )


def shuffling(table: pd.DataFrame, scheme: Scheme) -> go.Figure:
    """How far the last token's vector moves, stage by stage, from `analysis.shuffled`."""
    lines = [
        go.Scatter(
            x=table["stage"].tolist(),
            y=small(np.asarray(table[kind])),
            name=title,
            mode="lines+markers",
            line=look(i, scheme),
            hovertemplate=f"%{{x}}<br>{title}: %{{y:.1%}}<extra></extra>",
        )
        for i, (kind, title) in enumerate(TITLES.items())
    ]
    return go.Figure(
        lines,
        layout(
            scheme,
            height=380,
            legend=LEGEND_ABOVE,
            xaxis={"type": "category", "title": "stage", "showgrid": False},
            yaxis={"title": "moved by", "tickformat": ".0%", "rangemode": "tozero"},
        ),
    )
