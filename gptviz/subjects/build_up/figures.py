"""Pictures of the runs of a series, and of shapes."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from gptviz.app.lines import across, columns
from gptviz.app.theme import LEGEND_ABOVE, LINE_WIDTH, PALETTES, Scheme, layout

HEIGHT = 380
WIDE = 2.5  # times as wide as the others: the line of the chosen run


def courses(
    table: pd.DataFrame,
    counted: Mapping[str, float],
    scheme: Scheme,
    chosen: str = "",
    names: Sequence[str] = (),
) -> go.Figure:
    """Validation losses by step, from `analysis.courses`: a line a run, the chosen one thick.

    counted, in bits a byte, are dotted lines across: what guesses that only count reach.
    names are short ones for the legend, which would fill half of a phone with those of the runs.
    """
    runs = [name for name in table if name != "step"]
    lines = columns(
        table,
        "step",
        dict(zip(runs, runs, strict=True)),
        "step %{x}<br>NAME: %{y:.3f} bits a byte",
        scheme,
        "lines+markers",
    )
    for line, name in zip(lines, names or runs, strict=True):
        line.update(connectgaps=True)
        line.marker.size = 5
        if line.name == chosen:
            line.line.width = WIDE * LINE_WIDTH
        line.name = name
    figure = go.Figure(
        lines,
        layout(
            scheme,
            height=HEIGHT,
            legend=LEGEND_ABOVE,
            xaxis={"title": "step", "rangemode": "tozero"},
            yaxis={"title": "validation loss, bits a byte"},
        ),
    )
    return across(figure, counted, scheme)


def sizes(table: pd.DataFrame, scheme: Scheme) -> go.Figure:
    """Where shapes have their parameters, from `analysis.sizes`, as bars."""
    colours = PALETTES[scheme]
    rest = table["parameters"] - table["of blocks"]
    bars = [
        go.Bar(
            x=numbers.tolist(),
            y=table["shape"].tolist(),
            name=name,
            orientation="h",
            marker={"color": colour, "pattern": {"shape": pattern, "fillmode": "overlay"}},
            hovertemplate=f"%{{y}}<br>{name}: %{{x:,.0f}}<extra></extra>",
        )
        for name, numbers, colour, pattern in (
            ("attention and MLPs", table["of blocks"], colours.sequential[3], ""),
            ("embeddings and norms", rest, colours.accent, "/"),
        )
    ]
    return go.Figure(
        bars,
        layout(
            scheme,
            height=330,
            barmode="stack",
            legend={**LEGEND_ABOVE, "traceorder": "normal"},
            xaxis={"title": "parameters"},
            yaxis=_shapes(table["shape"].tolist()),
        ),
    )


def times(table: pd.DataFrame, scheme: Scheme) -> go.Figure:
    """How long a forward pass of each shape takes, from `analysis.forward_times`, as bars."""
    milliseconds = table["milliseconds"].tolist()
    return go.Figure(
        go.Bar(
            x=milliseconds,
            y=table["shape"].tolist(),
            orientation="h",
            marker={"color": PALETTES[scheme].sequential[3]},
            text=[f"{value:.1f}" for value in milliseconds],
            textposition="outside",
            cliponaxis=False,
            hovertemplate="%{y}<br>%{x:.2f} ms<extra></extra>",
        ),
        layout(
            scheme,
            height=300,
            xaxis={"title": "milliseconds", "rangemode": "tozero"},
            yaxis=_shapes(table["shape"].tolist()),
        ),
    )


def _shapes(titles: Sequence[str]) -> dict[str, Any]:
    """An axis of shapes from above; each has two lines, or a phone would have no room for bars."""
    return {
        "autorange": "reversed",
        "type": "category",
        "showgrid": False,
        "tickvals": titles,
        "ticktext": [title.replace(", ", "<br>") for title in titles],
    }
