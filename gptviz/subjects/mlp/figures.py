"""Pictures of an MLP: hidden units on the curve of the activation, one unit on all tokens."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from gptviz.app.lines import look, small
from gptviz.app.theme import LEGEND_ABOVE, PALETTES, Scheme, check_labels, layout, token_ticks

HEIGHT = 460
BINS = 60
TOKEN_PITCH = 26  # pixels a bar needs, with its label
NARROWEST = 640


def on_the_curve(units: pd.DataFrame, curve: pd.DataFrame, name: str, scheme: Scheme) -> go.Figure:
    """Each hidden unit (neuron, pre, act) on the model's function, beside ReLU (x, own, relu).

    Above, how many units have each value before the function; on the right, after it.
    """
    colours = PALETTES[scheme]
    x = small(curve["x"].to_numpy())
    lines = [
        go.Scatter(
            x=x,
            y=small(curve[column].to_numpy()),
            name=title,
            mode="lines",
            line=line,
            hoverinfo="skip",
        )
        for column, title, line in (
            ("relu", "ReLU", {"color": colours.muted, "dash": "dash", "width": 2}),
            ("own", name, {"color": colours.sequential[3], "width": 3}),
        )
    ]
    dots = go.Scatter(
        x=small(units["pre"].to_numpy()),
        y=small(units["act"].to_numpy()),
        customdata=units["neuron"].to_numpy(),
        name="a hidden unit",
        mode="markers",
        marker={"color": colours.accent, "size": 7, "opacity": 0.6},
        hovertemplate="neuron %{customdata}<br>before %{x:.3f}<br>after %{y:.3f}<extra></extra>",
    )
    spans = [(x[0], x[-1]), (min(-0.5, float(curve["own"].min())), float(curve["own"].max()))]
    bars = []
    for column, span, horizontal in (("pre", spans[0], False), ("act", spans[1], True)):
        counts, edges = np.histogram(units[column], BINS, span)
        middles, told = small((edges[1:] + edges[:-1]) / 2), "units<extra></extra>"
        axes = {"xaxis": "x2", "orientation": "h"} if horizontal else {"yaxis": "y2"}
        bars.append(
            go.Bar(
                x=counts if horizontal else middles,
                y=middles if horizontal else counts,
                marker={"color": colours.sequential[2]},
                hovertemplate=f"%{{x}} {told}" if horizontal else f"%{{y}} {told}",
                showlegend=False,
                **axes,
            )
        )
    counted = {"showgrid": False, "showticklabels": False, "rangemode": "tozero"}
    return go.Figure(
        [*lines, dots, *bars],
        layout(
            scheme,
            height=HEIGHT,
            bargap=0,
            legend=LEGEND_ABOVE,
            xaxis={"title": "before (mlp.pre)", "range": spans[0], "domain": [0, 0.84]},
            yaxis={"title": "after (mlp.act)", "range": spans[1], "domain": [0, 0.76]},
            xaxis2={"domain": [0.87, 1], **counted},
            yaxis2={"domain": [0.8, 1], **counted},
        ),
    )


def by_token(
    act: np.ndarray, tokens: Sequence[str], position: int, limit: float, scheme: Scheme
) -> go.Figure:
    """A hidden unit after its function on every token, (T,), as bars; the chosen one stands out.

    The axis reaches from −limit or the least value, whichever is nearer to 0, to limit. Raises
    ValueError unless there is one token for each number.
    """
    check_labels(tokens, len(act), "values")
    ticks = token_ticks(tokens)
    colours = PALETTES[scheme]
    fill = [colours.accent if i == position else look(0, scheme)["color"] for i in range(len(act))]
    bars = go.Bar(
        x=ticks.labels,
        y=small(act),
        marker={"color": fill},
        hovertemplate="%{x}<br>after its function %{y:.3f}<extra></extra>",
    )
    width = 90 + TOKEN_PITCH * len(act)
    return go.Figure(
        bars,
        layout(
            scheme,
            height=300 + ticks.room,
            width=width if width > NARROWEST else None,
            xaxis=ticks.axis | {"tickangle": -90},
            yaxis={"title": "mlp.act", "range": [min(-0.25, float(act.min())), limit]},
        ),
    )
