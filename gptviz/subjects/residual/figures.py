"""Pictures of the residual stream: a token's way, the parts of a logit, what each part adds."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from gptviz.app.lines import look, plain_numbers, small
from gptviz.app.theme import (
    LEGEND_ABOVE,
    PALETTES,
    SMALL_TEXT_SIZE,
    TEXT_SIZE,
    Scheme,
    check_labels,
    layout,
)

HEIGHT = 380
BAR_PITCH = 26  # pixels from bar to bar
CROWDED = 30  # names on an axis; beyond, they are smaller


def way_of_token(
    rank: np.ndarray, probability: np.ndarray, rows: Sequence[str], vocab_size: int, scheme: Scheme
) -> go.Figure:
    """Probability (0 to 1) and rank (1 on top, of vocab_size) of one token in each row of the lens.

    Raises ValueError unless there is one row for each number.
    """
    check_labels(rows, len(rank), "rows")
    check_labels(rows, len(probability), "rows")
    colours = PALETTES[scheme]
    powers = [10.0**n for n in range(len(str(vocab_size)))]
    bars = go.Bar(
        x=list(rows),
        y=small(probability),
        marker={"color": colours.sequential[3]},
        hovertemplate="%{x}<br>probability %{y:.4f}<extra></extra>",
        showlegend=False,
    )
    line = go.Scatter(
        x=list(rows),
        y=rank,
        yaxis="y2",
        mode="lines+markers",
        line=look(1, scheme),
        hovertemplate="%{x}<br>rank %{y:,}<extra></extra>",
        showlegend=False,
    )
    ranks = {
        "title": "rank",
        "type": "log",
        "range": [np.log10(vocab_size) + 0.1, -0.15],
        "tickvals": powers,
        "ticktext": plain_numbers(powers),
        "domain": [0, 0.44],
    }
    chances = {"title": "probability", "range": [0, 1], "domain": [0.56, 1]}
    return go.Figure(
        [bars, line],
        layout(
            scheme,
            height=HEIGHT + 40,
            xaxis=_names(rows) | {"anchor": "y2"},
            yaxis=chances,
            yaxis2=ranks,
        ),
    )


def part_bars(values: np.ndarray, names: Sequence[str], scheme: Scheme) -> go.Figure:
    """What each part adds to a logit, (N,): a bar up or down. It is as wide as it has parts.

    Raises ValueError unless there is one name for each number.
    """
    check_labels(names, len(values), "parts")
    colours = PALETTES[scheme].diverging
    most = float(np.abs(values).max(initial=0.0)) or 1.0
    bars = go.Bar(
        x=list(names),
        y=small(values),
        marker={"color": [colours[1] if value < 0 else colours[-2] for value in values]},
        hovertemplate="%{x}: %{y:+.3f}<extra></extra>",
    )
    axis = {"title": "added to the logit", "range": [-1.1 * most, 1.1 * most]}
    width = 100 + BAR_PITCH * len(names)
    names_axis = _names(names) | {"tickangle": -90}
    return go.Figure(
        bars, layout(scheme, height=HEIGHT, width=width, xaxis=names_axis, yaxis=axis, bargap=0.2)
    )


def added_lengths(added: Mapping[str, np.ndarray], scheme: Scheme) -> go.Figure:
    """Length of what each kind of part, by its name, adds in each layer, (n_layer,) each."""
    layers = [f"L{i}" for i in range(len(next(iter(added.values()))))]
    for lengths in added.values():
        check_labels(layers, len(lengths), "layers")
    traces = [
        go.Bar(
            x=layers,
            y=small(lengths),
            name=name,
            marker={"color": look(i, scheme)["color"]},
            hovertemplate=f"%{{x}} {name}<br>length %{{y:.2f}}<extra></extra>",
        )
        for i, (name, lengths) in enumerate(added.items())
    ]
    return go.Figure(
        traces,
        layout(
            scheme,
            height=HEIGHT,
            xaxis={"title": "layer", **_names(layers)},
            yaxis={"title": "length added", "rangemode": "tozero"},
            legend=LEGEND_ABOVE,
        ),
    )


def added_directions(cosines: dict[str, np.ndarray], scheme: Scheme) -> go.Figure:
    """Cosines from −1 to 1, (n_layer,) each, by what is compared with what: a line each."""
    traces = []
    for i, (name, values) in enumerate(cosines.items()):
        traces.append(
            go.Scatter(
                x=[f"L{layer}" for layer in range(len(values))],
                y=small(values),
                name=name,
                mode="lines+markers",
                line=look(i, scheme),
                hovertemplate=f"%{{x}} {name}<br>cosine %{{y:.3f}}<extra></extra>",
            )
        )
    axis = {"title": "cosine", "range": [-1.05, 1.05], "tickvals": [-1, -0.5, 0, 0.5, 1]}
    names = _names(traces[0].x)
    return go.Figure(
        traces,
        layout(
            scheme,
            height=HEIGHT,
            xaxis={"title": "layer", **names},
            yaxis=axis,
            legend=LEGEND_ABOVE,
        ),
    )


def _names(names: Sequence[str]) -> dict[str, Any]:
    size = TEXT_SIZE if len(names) <= CROWDED else SMALL_TEXT_SIZE
    return {"type": "category", "showgrid": False, "tickfont": {"size": size}}
