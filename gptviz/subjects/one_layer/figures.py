"""The picture of twelve random layers: how far numbers spread after each."""

import pandas as pd
import plotly.graph_objects as go

from gptviz.app.lines import logarithmic_ticks, look, plain_numbers, small
from gptviz.app.theme import LEGEND_ABOVE, Scheme, layout

HEIGHT = 400
LINES = ("without norm", "with layer norm", "expected")
FEW_POWERS = 6  # of ten on the axis, from where on every second one is named


def spread(table: pd.DataFrame, scheme: Scheme) -> go.Figure:
    """The spread after each layer, from `spread_by_layer`, on an axis that multiplies."""
    ticks = logarithmic_ticks(table[list(LINES)].to_numpy())
    if len(ticks) > FEW_POWERS:
        ticks = ticks[:: -(-len(ticks) // FEW_POWERS)]
    lines = [
        go.Scatter(
            x=table["layer"].to_numpy(),
            y=small(table[name].to_numpy()),
            name=name,
            mode="lines" if name == "expected" else "lines+markers",
            line=look(i, scheme),
            hovertemplate=f"after layer %{{x}}<br>{name}: %{{y:.4g}}<extra></extra>",
        )
        for i, name in enumerate(LINES)
    ]
    return go.Figure(
        lines,
        layout(
            scheme,
            height=HEIGHT,
            legend=LEGEND_ABOVE,
            xaxis={"title": "after so many layers", "dtick": 1, "zeroline": False},
            yaxis={
                "title": "spread (standard deviation)",
                "type": "log",
                "tickmode": "array",
                "tickvals": ticks,
                "ticktext": plain_numbers(ticks),
            },
        ),
    )
