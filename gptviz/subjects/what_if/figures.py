"""Pictures of changes: two distributions beside each other, and a pattern's difference."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from gptviz.app.paired_bars import paired_bars
from gptviz.app.theme import PALETTES, Scheme, check_labels, layout, signed, token_ticks


def before_and_after(table: pd.DataFrame, scheme: Scheme) -> go.Figure:
    """The likeliest next tokens of two runs as pairs of bars, on a scale from 0 to 1.

    table has the columns token, before and after.
    """
    palette = PALETTES[scheme]
    colours = {"before": palette.muted, "after": palette.accent}
    axis = {"range": [0, 1], "tickformat": ".0%", "title": "probability"}
    return paired_bars(table, colours, scheme, axis=axis, number=".2%")


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
