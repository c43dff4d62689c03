"""Pictures of a logit's products, and of what sharing a matrix saves."""

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from gptviz.app.lines import small
from gptviz.app.powers import fixed
from gptviz.app.theme import LEGEND_ABOVE, PALETTES, Scheme, layout

HEIGHT = 320  # pixels of the products: on the first screen of a small projector
SHOWN = 16  # products that have a bar of their own


def products(table: pd.DataFrame, total: float, scheme: Scheme) -> go.Figure:
    """The largest products of a logit, all others together, and their sum, as bars.

    table is that of `analysis.logit`. A bar up speaks for the token, one down against it.
    """
    colours = PALETTES[scheme]
    own, rest = table.head(SHOWN), table.iloc[SHOWN:]
    names = [str(dimension) for dimension in own["dimension"]]
    values = own["product"].tolist()
    told = [f"{fixed(row.output, 3)} × {fixed(row.token, 3)}" for row in own.itertuples()]
    fill = [colours.diverging[-2] if value >= 0 else colours.diverging[1] for value in values]
    if len(rest):
        names.append(f"other {len(rest)}")
        values.append(float(rest["product"].sum()))
        told.append("all other products together")
        fill.append(colours.mark)
    names.append("logit")
    values.append(total)
    told.append("the sum of all")
    fill.append(colours.accent)
    return go.Figure(
        go.Bar(
            x=names,
            y=small(np.array(values)),
            marker={"color": fill},
            text=[fixed(value, 2) for value in values],
            textposition="outside",
            cliponaxis=False,
            customdata=told,
            hovertemplate="dimension %{x}<br>%{customdata}<br>= %{y:.4f}<extra></extra>",
        ),
        layout(
            scheme,
            height=HEIGHT,
            xaxis={"type": "category", "title": "dimension", "showgrid": False, "tickangle": -45},
            yaxis={"title": "product"},
        ),
    )


def costs(table: pd.DataFrame, scheme: Scheme) -> go.Figure:
    """Parameters with a shared matrix and with one of its own, from `analysis.costs`, as bars."""
    colours = PALETTES[scheme]
    layer = table["V × C"].to_numpy(float)
    rest = table["parameters"].to_numpy(float) - layer
    bars = [
        go.Bar(
            x=numbers,
            y=table["matrix"].tolist(),
            name=name,
            orientation="h",
            marker={"color": colour, "pattern": {"shape": pattern, "fillmode": "overlay"}},
            hovertemplate=f"%{{y}}<br>{name}: %{{x:,.0f}}<extra></extra>",
        )
        for name, numbers, colour, pattern in (
            ("everything else", rest, colours.sequential[3], ""),
            ("a matrix for the output alone", layer, colours.accent, "/"),
        )
    ]
    return go.Figure(
        bars,
        layout(
            scheme,
            height=250,
            barmode="stack",
            legend={**LEGEND_ABOVE, "traceorder": "normal"},
            xaxis={"title": "parameters"},
            yaxis={"autorange": "reversed", "type": "category", "showgrid": False},
        ),
    )
