"""Pictures of the runs of a series, and of shapes."""

import pandas as pd
import plotly.graph_objects as go

from gptviz.app.lines import columns
from gptviz.app.theme import LEGEND_ABOVE, LINE_WIDTH, PALETTES, SMALL_TEXT_SIZE, Scheme, layout

HEIGHT = 430
WIDE = 2.5  # times as wide as the others: the line of the chosen run


def courses(
    table: pd.DataFrame, scheme: Scheme, chosen: str = "", counted: float | None = None
) -> go.Figure:
    """Validation losses by step, from `analysis.courses`: a line a run, the chosen one thick.

    counted, in bits a byte, is a dotted line across: what counting pairs of letters reaches.
    """
    colours = PALETTES[scheme]
    names = {name: name for name in table if name != "step"}
    lines = columns(
        table, "step", names, "step %{x}<br>NAME: %{y:.3f} bits a byte", scheme, "lines+markers"
    )
    for line in lines:
        line.update(connectgaps=True)
        line.marker.size = 5
        if line.name == chosen:
            line.line.width = WIDE * LINE_WIDTH
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
    if counted is not None:
        figure.add_hline(
            counted,
            line={"color": colours.muted, "dash": "dot", "width": LINE_WIDTH},
            annotation={
                "text": f"counting pairs of letters {counted:.2f}",
                "font": {"size": SMALL_TEXT_SIZE, "color": colours.muted},
            },
            annotation_position="bottom left",
        )
    return figure


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
            height=280,
            barmode="stack",
            legend={**LEGEND_ABOVE, "traceorder": "normal"},
            xaxis={"title": "parameters"},
            yaxis={"autorange": "reversed", "type": "category", "showgrid": False},
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
            height=260,
            xaxis={"title": "milliseconds", "rangemode": "tozero"},
            yaxis={"autorange": "reversed", "type": "category", "showgrid": False},
        ),
    )
