"""Pictures of gradients by layer, on an axis that multiplies."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from gptviz.app.lines import columns, logarithmic_ticks
from gptviz.app.theme import LEGEND_ABOVE, Scheme, layout

HEIGHT = 400
MOST_TICKS = 7  # on the axis of gradients


def by_layer(table: pd.DataFrame, scheme: Scheme) -> go.Figure:
    """Mean absolute gradients (layer, without, with) as lines; the first layer stands left."""
    names = {"with": "with shortcuts", "without": "without shortcuts"}
    return _lines(table, "layer", names, "mean absolute gradient", scheme)


def powers(table: pd.DataFrame, factor: float, scheme: Scheme) -> go.Figure:
    """What is left of a gradient after each layer (layers, 0.9, 1.1, own)."""
    names = {"0.9": "× 0.9 a layer", "1.1": "× 1.1 a layer"}
    if f"{factor:g}" not in names:
        names["own"] = f"× {factor:g} a layer"
    return _lines(table, "layers", names, "what is left of 1", scheme)


def likeness(table: pd.DataFrame, scheme: Scheme) -> go.Figure:
    """The mean cosine of different tokens after each block (layer, without, with), up to 1."""
    names = {"with": "with shortcuts", "without": "without shortcuts"}
    figure = _lines(table, "layer", names, "mean cosine", scheme)
    return figure.update_layout(
        xaxis={"title": "after so many blocks"},
        yaxis={
            **dict.fromkeys(("tickmode", "tickvals", "ticktext")),
            "type": "linear",
            "range": [-0.1, 1.05],
        },
    )


def _lines(
    table: pd.DataFrame, x: str, names: Mapping[str, str], title: str, scheme: Scheme
) -> go.Figure:
    hover = f"{x} %{{x}}<br>NAME: %{{y:.4g}}"
    drawn = columns(table, x, names, hover, scheme, "lines+markers")
    return go.Figure(
        drawn,
        layout(
            scheme,
            height=HEIGHT,
            legend=LEGEND_ABOVE,
            xaxis={
                "title": "layer" if x == "layer" else "layers passed",
                "tickformat": "d",
                "zeroline": False,
            }
            | ({"dtick": 1} if len(table) <= 16 else {}),
            yaxis={"title": title, **_axis(table[list(names)].to_numpy())},
        ),
    )


def _axis(values: np.ndarray) -> dict[str, Any]:
    """Plotly's settings of an axis that multiplies, with ticks as people write them."""
    ticks = logarithmic_ticks(values)
    ticks = ticks[:: -(-len(ticks) // MOST_TICKS)]
    written = [f"{tick:,.10g}" if 1e-4 <= tick < 1e6 else _power(tick) for tick in ticks]
    return {"type": "log", "tickmode": "array", "tickvals": ticks, "ticktext": written}


def _power(tick: float) -> str:
    """A tick as a power of ten: 10<sup>−12</sup>, 5 · 10<sup>−5</sup>."""
    power = int(np.floor(np.log10(tick) + 1e-9))
    digit = round(tick / 10.0**power)
    return ("" if digit == 1 else f"{digit} · ") + f"10<sup>{power}</sup>".replace("-", "−")
