"""A map with a row a layer: one number for each of its heads, or for each token."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from gptviz.app.theme import Scheme, layout, outline, signed

ROOM_FOR_NUMBER = 44  # pixels: a square that holds its number


def layer_map(
    values: np.ndarray,
    columns: Sequence[str],
    scheme: Scheme,
    *,
    limit: float,
    hover: str,
    axis: dict[str, Any] | None = None,
    chosen: tuple[int, int] | None = None,
) -> go.Figure:
    """Signed numbers (n_layer, N), from −limit to limit, 0 as the background; rows are layers.

    columns are N unequal labels; hover says what a number is; axis adds to Plotly's settings of
    the columns' axis. The square `chosen` (layer, column) is outlined. Raises ValueError unless
    there is a label for each column.
    """
    n_layer, n_columns = values.shape
    if len(columns) != n_columns:
        raise ValueError(f"{len(columns)} labels came for {n_columns} columns; give one for each")
    cell = min(56, max(22, 760 // n_columns))
    squares = go.Heatmap(
        z=values.astype(np.float32),
        x=list(columns),
        y=[f"L{layer}" for layer in range(n_layer)],
        xgap=2,
        ygap=2,
        hovertemplate=f"%{{y}} %{{x}}<br>{hover}: %{{z:.3f}}<extra></extra>",
        hoverongaps=False,
        colorbar={"len": max(160, n_layer * cell), "lenmode": "pixels", "y": 1, "yanchor": "top"},
        **signed(scheme, limit),
    )
    if cell >= ROOM_FOR_NUMBER:
        squares.update(texttemplate="%{z:.2f}")
    outlines = []
    if chosen is not None:
        layer, column = chosen
        outlines = [outline(scheme, (column - 0.5, column + 0.5), (layer - 0.5, layer + 0.5))]
    return go.Figure(
        squares,
        layout(
            scheme,
            width=n_columns * cell + 170,
            height=n_layer * cell + 130,
            margin={"l": 50, "r": 100, "t": 36},
            xaxis={"showgrid": False, "tickangle": -60 if axis else 0, **(axis or {})},
            yaxis={"showgrid": False, "autorange": "reversed"},
            shapes=outlines,
        ),
    )
