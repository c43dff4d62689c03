"""Two numbers for each token, as a pair of bars: before and after, left and right."""

import html
from collections.abc import Mapping
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from gptviz.app.theme import LEGEND_ABOVE, MONO, TEXT_SIZE, Scheme, cut, layout

ROW_PITCH = 38  # pixels


def paired_bars(
    table: pd.DataFrame,
    colours: Mapping[str, str],
    scheme: Scheme,
    *,
    axis: Mapping[str, Any],
    number: str,
) -> go.Figure:
    """A pair of bars for each row of a table with the column token and one more for each colour.

    axis are Plotly's settings of the axis of numbers, and number how one is written in hover
    labels, as ".2%". A number that is NaN has no bar.
    """
    rows = list(range(len(table)))
    tokens = [html.escape(token, quote=False) for token in table["token"]]
    bars = [
        go.Bar(
            x=table[column].to_numpy("float32"),
            y=rows,
            orientation="h",
            name=column,
            marker={"color": colour},
            customdata=tokens,
            hovertemplate=f"%{{customdata}} {column}: %{{x:{number}}}<extra></extra>",
        )
        for column, colour in colours.items()
    ]
    return go.Figure(
        bars,
        layout(
            scheme,
            height=len(table) * ROW_PITCH + 110,
            bargap=0.25,
            legend=LEGEND_ABOVE,
            xaxis=dict(axis),
            yaxis={
                "autorange": "reversed",
                "tickmode": "array",
                "tickvals": rows,
                "ticktext": [html.escape(cut(token), quote=False) for token in table["token"]],
                "tickfont": {"family": MONO, "size": TEXT_SIZE},
                "showgrid": False,
            },
        ),
    )
