"""Pictures of learning rates over steps, and of what came of them."""

import pandas as pd
import plotly.graph_objects as go

from gptviz.app.lines import look, small
from gptviz.app.theme import LEGEND_ABOVE, Scheme, layout
from gptviz.jobs.experiments import TITLES
from gptviz.runs.curves import smooth

HEIGHT = 400
FORM_HEIGHT = 220
SMOOTHING = 10  # as gptviz.runs.curves.smooth has it


def one(table: pd.DataFrame, scheme: Scheme) -> go.Figure:
    """The rate of one run (step, rate)."""
    line = go.Scatter(
        x=table["step"].to_numpy(),
        y=small(table["rate"].to_numpy()),
        mode="lines",
        line=look(0, scheme),
        hovertemplate="step %{x:,}<br>rate %{y:.3g}<extra></extra>",
    )
    return go.Figure(
        [line],
        layout(
            scheme,
            height=FORM_HEIGHT,
            showlegend=False,
            margin={"t": 12, "b": 44},
            xaxis={"title": "step"},
            yaxis={"title": "learning rate", "rangemode": "tozero"},
        ),
    )


def six(table: pd.DataFrame, scheme: Scheme) -> go.Figure:
    """Six schedules as shares of the highest rate."""
    return _lines(table, "share of the highest rate", "%{y:.3f}", {"range": [0, 1.05]}, scheme)


def courses(table: pd.DataFrame, scheme: Scheme) -> go.Figure:
    """The losses of six runs, smoothed."""
    names = [name for name in table if name != "step"]
    smoothed = table.assign(
        **{str(name): smooth(table[name].to_numpy(float), SMOOTHING) for name in names}
    )
    return _lines(smoothed, "loss, nats a token", "%{y:.3f} nats", {}, scheme)


def _lines(
    table: pd.DataFrame, title: str, value: str, axis: dict[str, object], scheme: Scheme
) -> go.Figure:
    lines = [
        go.Scatter(
            x=table["step"].to_numpy(),
            y=small(table[name].to_numpy()),
            name=TITLES[name],
            mode="lines",
            line=look(i, scheme),
            hovertemplate=f"step %{{x}}<br>{TITLES[name]}: {value}<extra></extra>",
        )
        for i, name in enumerate(name for name in table if name != "step")
    ]
    return go.Figure(
        lines,
        layout(
            scheme,
            height=HEIGHT,
            legend=LEGEND_ABOVE,
            xaxis={"title": "step"},
            yaxis={"title": title, **axis},
        ),
    )
