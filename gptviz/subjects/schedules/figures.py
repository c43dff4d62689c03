"""Pictures of learning rates over steps, and of what came of them."""

from collections.abc import Mapping

import pandas as pd
import plotly.graph_objects as go

from gptviz.app.lines import across, columns
from gptviz.app.theme import LEGEND_ABOVE, Scheme, layout
from gptviz.jobs.experiments import TITLES
from gptviz.runs.curves import SMOOTHING, smooth

HEIGHT = 400


def six(table: pd.DataFrame, scheme: Scheme) -> go.Figure:
    """Six schedules as shares of the highest rate."""
    return _lines(table, "share of the highest rate", "%{y:.3f}", {"range": [0, 1.05]}, scheme)


def courses(table: pd.DataFrame, guesses: Mapping[str, float], scheme: Scheme) -> go.Figure:
    """The losses of six runs, smoothed; guesses, by what they are called, are lines across."""
    names = [name for name in table if name != "step"]
    smoothed = table.assign(
        **{str(name): smooth(table[name].to_numpy(float), SMOOTHING) for name in names}
    )
    title = f"loss, smoothed by {SMOOTHING}, nats a token"
    figure = _lines(smoothed, title, f"%{{y:.3f}} nats, smoothed by {SMOOTHING}", {}, scheme)
    return across(figure, guesses, scheme)


def _lines(
    table: pd.DataFrame, title: str, value: str, axis: dict[str, object], scheme: Scheme
) -> go.Figure:
    names = {name: TITLES[name] for name in table if name != "step"}
    lines = columns(table, "step", names, f"step %{{x}}<br>NAME: {value}", scheme)
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
