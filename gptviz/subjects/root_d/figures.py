"""Pictures of weights with and without a division, and of how they change as d grows."""

from collections.abc import Mapping

import pandas as pd
import plotly.graph_objects as go

from gptviz.app.lines import look, small
from gptviz.app.theme import LEGEND_ABOVE, PALETTES, Scheme, layout, token_ticks

HEIGHT = 310
NAMES: Mapping[str, str] = {"weight": "not divided", "divided weight": "divided by √d"}


def weights(table: pd.DataFrame, names: Mapping[str, str], scheme: Scheme) -> go.Figure:
    """The weight of each key as a pair of bars, from 0 to 1; with its token if there is one."""
    tokens = table["token"].tolist() if "token" in table else None
    ticks = token_ticks(tokens) if tokens else None
    x = ticks.labels if ticks else [f"key {i}" for i in table["key"]]
    bars = [
        go.Bar(
            x=x,
            y=small(table[column].to_numpy()),
            name=name,
            marker={"color": colour},
            customdata=small(table[score].to_numpy()),
            hovertemplate=f"%{{x}}<br>{name}: score %{{customdata:.3f}}, weight %{{y:.4f}}"
            "<extra></extra>",
        )
        for (column, name), score, colour in zip(
            names.items(), ("score", "divided"), _colours(scheme), strict=True
        )
    ]
    axis = {**ticks.axis, "tickangle": -60 if len(x) > 6 else 0} if ticks else {"showgrid": False}
    return go.Figure(
        bars,
        layout(
            scheme,
            height=HEIGHT if ticks is None else 250 + ticks.room,
            width=_width(len(x)) if ticks else None,
            legend=LEGEND_ABOVE,
            bargap=0.3,
            xaxis=axis,
            yaxis={"title": "weight", "range": [0, 1]},
        ),
    )


def entropies(table: pd.DataFrame, d: int, most: float, scheme: Scheme) -> go.Figure:
    """Mean entropy of the weights over d (d, entropy, divided entropy), with the chosen d marked.

    The axis reaches from 0 to `most`, the entropy of equal weights.
    """
    names = {"entropy": "not divided", "divided entropy": "divided by √d"}
    lines = [
        go.Scatter(
            x=table["d"].to_numpy(),
            y=small(table[column].to_numpy()),
            name=name,
            mode="lines+markers",
            line=look(1 - i, scheme),
            hovertemplate=f"d = %{{x}}<br>{name}: %{{y:.3f}} nats<extra></extra>",
        )
        for i, (column, name) in enumerate(names.items())
    ]
    chosen = {"type": "line", "x0": d, "x1": d, "yref": "paper", "y0": 0, "y1": 1}
    return go.Figure(
        lines,
        layout(
            scheme,
            height=HEIGHT,
            legend=LEGEND_ABOVE,
            shapes=[{**chosen, "line": {"color": PALETTES[scheme].muted, "dash": "dot"}}],
            xaxis={
                "title": "d: numbers of a query",
                "type": "log",
                "tickmode": "array",
                "tickvals": table["d"].tolist()[::2],
                "ticktext": [f"{each:,}" for each in table["d"].tolist()[::2]],
            },
            yaxis={"title": "entropy, nats", "range": [0, most * 1.05]},
        ),
    )


def _colours(scheme: Scheme) -> tuple[str, str]:
    """Of what is not divided, and of what is: the same on every picture."""
    return look(1, scheme)["color"], look(0, scheme)["color"]


def _width(bars: int) -> int | None:
    """None: as wide as the page. Many pairs of bars need a width of their own."""
    return 120 + 34 * bars if bars > 16 else None
