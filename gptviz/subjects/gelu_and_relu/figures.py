"""Pictures of activation functions, and of a text's hidden units on them."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from gptviz.app.lines import look, small
from gptviz.app.theme import LEGEND_ABOVE, PALETTES, Scheme, layout

HEIGHT = 320
ABOVE_ZERO = 1.0  # where the picture of the hidden units ends
NAMES: Mapping[str, str] = {"exact": "GELU, exact", "tanh": "GELU, with tanh", "relu": "ReLU"}


def curves(
    table: pd.DataFrame, columns: Mapping[str, str], x: float, title: str, scheme: Scheme
) -> go.Figure:
    """Columns of a table over its x, each with a name, and a line where x was chosen."""
    drawn = [
        go.Scatter(
            x=small(table["x"].to_numpy()),
            y=small(table[column].to_numpy()),
            name=name,
            mode="lines",
            line=look(i, scheme),
            hovertemplate=f"x %{{x:.2f}}<br>{name} %{{y:.4g}}<extra></extra>",
        )
        for i, (column, name) in enumerate(columns.items())
    ]
    chosen = {"color": PALETTES[scheme].muted, "width": 2, "dash": "dot"}
    return go.Figure(
        drawn,
        layout(
            scheme,
            height=HEIGHT,
            legend=LEGEND_ABOVE,
            showlegend=True,
            xaxis={"title": "x: what comes in", "zeroline": True},
            yaxis={"title": title, "zeroline": True},
            shapes=[
                {"type": "line", "x0": x, "x1": x, "yref": "paper", "y0": 0, "y1": 1}
                | {"line": chosen}
            ],
        ),
    )


def near_zero(table: pd.DataFrame, reach: float) -> pd.Series:
    """Which hidden units lie in the picture, from −reach to a little above 0."""
    return table["pre"].between(-reach, ABOVE_ZERO)


def units(
    table: pd.DataFrame, curves: pd.DataFrame, own: str, reach: float, scheme: Scheme
) -> go.Figure:
    """Hidden units (neuron, pre, act) on the model's own function, beside ReLU or GELU.

    The picture reaches from −reach to a little above 0, where the functions differ.
    """
    colours = PALETTES[scheme]
    other = "exact" if own == "relu" else "relu"
    lines = [
        go.Scatter(
            x=small(curves["x"].to_numpy()),
            y=small(curves[column].to_numpy()),
            name=NAMES[column] + (" (the model's own)" if column == own else ""),
            mode="lines",
            line=look(i, scheme) | ({"width": 3} if column == own else {}),
            hoverinfo="skip",
        )
        for i, column in enumerate((own, other))
    ]
    near = table[near_zero(table, reach)]
    marks = go.Scatter(
        x=small(near["pre"].to_numpy()),
        y=small(near["act"].to_numpy()),
        customdata=np.stack((near["neuron"], near["relu"]), axis=-1),
        name="a hidden unit",
        mode="markers",
        marker={"color": colours.accent, "size": 8, "opacity": 0.6},
        hovertemplate="neuron %{customdata[0]}<br>before %{x:.3f}<br>after %{y:.4f}"
        "<br>with ReLU %{customdata[1]:.3f}<extra></extra>",
    )
    return go.Figure(
        [*lines, marks],
        layout(
            scheme,
            height=HEIGHT,
            legend=LEGEND_ABOVE,
            xaxis={"title": "before (mlp.pre)", "range": [-reach, ABOVE_ZERO], "zeroline": True},
            yaxis={"title": "after (mlp.act)", "range": [-0.25, ABOVE_ZERO], "zeroline": True},
        ),
    )
