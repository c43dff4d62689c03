"""Pictures of dropout: the mean over many masks, and a place of the network before and after."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from gptviz.app.lines import columns, small
from gptviz.app.theme import (
    LEGEND_ABOVE,
    SMALL_TEXT_SIZE,
    Scheme,
    amounts,
    check_labels,
    layout,
    signed,
    token_ticks,
)

HEIGHT = 320
PANEL = 460  # pixels, of a place before or after
ROW_PITCH = 18


def averages(table: pd.DataFrame, scheme: Scheme) -> go.Figure:
    """The mean over more and more masks (masks, scaled, not scaled); the number itself is 1."""
    names = {"scaled": "divided by 1 − p", "not scaled": "not divided"}
    lines = columns(table, "masks", names, "%{x} masks<br>NAME: mean %{y:.3f}", scheme)
    return go.Figure(
        lines,
        layout(
            scheme,
            height=HEIGHT,
            legend=LEGEND_ABOVE,
            xaxis={"title": "masks", "type": "log", "dtick": 1},
            yaxis={"title": "mean of what comes out", "rangemode": "tozero"},
        ),
    )


def place(
    values: np.ndarray,
    tokens: Sequence[str],
    title: str,
    limit: float | None,
    scheme: Scheme,
) -> go.Figure:
    """A place of the network (T, n): a row a token. With no limit, weights of attention from 0.

    Raises ValueError unless there is one token for each row.
    """
    check_labels(tokens, len(values), "rows")
    ticks = token_ticks(tokens)
    scale: dict[str, Any] = amounts(scheme) if limit is None else signed(scheme, limit)
    square = limit is None
    names = ticks.labels if square else [str(i) for i in range(values.shape[1])]
    axis = ticks.axis | {"tickfont": {**ticks.axis["tickfont"], "size": SMALL_TEXT_SIZE}}
    return go.Figure(
        go.Heatmap(
            z=small(values),
            x=names,
            y=ticks.labels,
            showscale=False,
            hovertemplate="%{y}, %{x}: %{z:.3f}<extra></extra>",
            **scale,
        ),
        layout(
            scheme,
            title={"text": title},
            width=PANEL,
            height=110 + ROW_PITCH * len(values) + (ticks.room if square else 20),
            xaxis=axis | {"tickangle": -90} if square else {"title": "dimension", "dtick": 4},
            yaxis={**axis, "autorange": "reversed"},
        ),
    )
