"""Pictures of steps on a curve, of paths on a surface, and of what optimisers do to a tiny GPT."""

from collections.abc import Mapping

import pandas as pd
import plotly.graph_objects as go

from gptviz.app.lines import across, columns, look, small
from gptviz.app.theme import LEGEND_ABOVE, LINE_WIDTH, PALETTES, Scheme, amounts, layout
from gptviz.subjects.downhill.analysis import HIGH, REACH, WIDE

HEIGHT = 380
PANEL = (330, 280)  # pixels, of one optimiser's path
LOSSES = [2.3, 5.5]  # nats: what is thrown about goes beyond it
NAMES: Mapping[str, str] = {
    "sgd": "SGD",
    "momentum": "Momentum",
    "adam": "Adam",
    "adamw": "AdamW",
    "muon": "Muon",
}


def descent(curve: pd.DataFrame, steps: pd.DataFrame, scheme: Scheme) -> go.Figure:
    """Steps (step, x, y, slope) on a curve (x, y); what lies beyond the curve is cut off."""
    colours = PALETTES[scheme]
    line = go.Scatter(
        x=small(curve["x"].to_numpy()),
        y=small(curve["y"].to_numpy()),
        mode="lines",
        line={"color": colours.mark, "width": 3},
        hoverinfo="skip",
    )
    walked = go.Scatter(
        x=small(steps["x"].to_numpy()),
        y=small(steps["y"].to_numpy()),
        customdata=small(steps[["step", "slope"]].to_numpy()),
        mode="lines+markers",
        line={"color": colours.accent, "width": LINE_WIDTH, "dash": "dot"},
        marker={"color": colours.accent, "size": 9},
        hovertemplate="step %{customdata[0]}<br>x %{x:.4f}<br>height %{y:.4f}"
        "<br>slope %{customdata[1]:.4f}<extra></extra>",
    )
    low, high = float(curve["y"].min()), float(curve["y"].max())
    room = 0.06 * (high - low)
    return go.Figure(
        [line, walked],
        layout(
            scheme,
            height=HEIGHT,
            showlegend=False,
            margin={"t": 16},
            xaxis={"title": "x: the weight", "range": [-REACH, REACH], "zeroline": False},
            yaxis={"title": "height: the loss", "range": [low - room, high + room]},
        ),
    )


def path(
    surface: pd.DataFrame,
    steps: pd.DataFrame,
    lowest: tuple[tuple[float, float], ...],
    title: str,
    scheme: Scheme,
) -> go.Figure:
    """One path (step, x, y, height) on a surface (x, y, height), whose lowest places are marked."""
    colours = PALETTES[scheme]
    grid = surface.pivot(index="y", columns="x", values="height")
    top = float(surface["height"].max()) ** 0.5
    hills = go.Contour(
        x=small(grid.columns.to_numpy()),
        y=small(grid.index.to_numpy()),
        z=small(grid.to_numpy() ** 0.5),  # so that lines lie near the bottom, too
        colorscale=amounts(scheme)["colorscale"],
        autocontour=False,
        # As if it went on higher, so that its colours are lighter than what lies on it.
        contours={"start": 0.0, "end": 2.2 * top, "size": top / 16},
        line={"width": 0.5, "color": colours.mark},
        showscale=False,
        hoverinfo="skip",
    )
    aims = go.Scatter(
        x=[x for x, _ in lowest],
        y=[y for _, y in lowest],
        mode="markers",
        marker={"symbol": "x", "size": 11, "color": colours.text},
        hovertemplate="the lowest place<extra></extra>",
    )
    walked = go.Scatter(
        x=small(steps["x"].to_numpy()),
        y=small(steps["y"].to_numpy()),
        customdata=small(steps[["step", "height"]].to_numpy()),
        mode="lines+markers",
        line={"color": colours.accent, "width": LINE_WIDTH},
        marker={"color": colours.accent, "size": 5},
        hovertemplate="step %{customdata[0]}<br>x %{x:.3f}, y %{y:.3f}"
        "<br>height %{customdata[1]:.4g}<extra></extra>",
    )
    width, height = PANEL
    return go.Figure(
        [hills, aims, walked],
        layout(
            scheme,
            title={"text": title},
            width=width,
            height=height,
            showlegend=False,
            margin={"l": 36, "r": 8, "t": 44, "b": 32},
            xaxis={"range": [-WIDE, WIDE], "dtick": 2, "showgrid": False, "zeroline": False},
            yaxis={"range": [-HIGH, HIGH], "dtick": 2, "showgrid": False, "zeroline": False},
        ),
    )


def updates(table: pd.DataFrame, scheme: Scheme) -> go.Figure:
    """Adam's steps with the correction and without (step, update, uncorrected)."""
    names = {"update": "with correction", "uncorrected": "without"}
    bars = [
        go.Bar(
            x=table["step"].to_numpy(),
            y=small(table[column].to_numpy()),
            name=name,
            marker={"color": look(i, scheme)["color"]},
            hovertemplate=f"step %{{x}}, {name}: %{{y:.4f}}<extra></extra>",
        )
        for i, (column, name) in enumerate(names.items())
    ]
    return go.Figure(
        bars,
        layout(
            scheme,
            height=320,
            width=420,
            bargap=0.3,
            legend=LEGEND_ABOVE,
            xaxis={"title": "step", "dtick": 1, "showgrid": False},
            yaxis={"title": "the weight loses, × the rate", "zeroline": True},
        ),
    )


def courses(table: pd.DataFrame, guesses: Mapping[str, float], scheme: Scheme) -> go.Figure:
    """The loss over steps, a line for each optimiser in the table.

    guesses are losses that are lines across, by what they are called.
    """
    names = {key: name for key, name in NAMES.items() if key in table}
    lines = columns(table, "step", names, "step %{x}<br>NAME: %{y:.3f} nats", scheme)
    figure = go.Figure(
        lines,
        layout(
            scheme,
            height=HEIGHT,
            legend=LEGEND_ABOVE,
            xaxis={"title": "step"},
            yaxis={"title": "loss, nats a token", "range": LOSSES},
        ),
    )
    return across(figure, guesses, scheme)


def shrunk(table: pd.DataFrame, scheme: Scheme) -> go.Figure:
    """What is left of each tensor (parameter, numbers, decayed, left), by group."""
    groups = {True: "with weight decay", False: "without"}
    bars = []
    for i, (decayed, name) in enumerate(groups.items()):
        rows = table[table["decayed"] == decayed]
        bars.append(
            go.Bar(
                x=small(rows["left"].to_numpy()),
                y=rows["parameter"].tolist(),
                customdata=rows["numbers"].to_numpy(),
                orientation="h",
                name=name,
                marker={"color": look(i, scheme)["color"]},
                hovertemplate="%{y}: %{customdata:,} numbers<br>%{x:.1%} left<extra></extra>",
            )
        )
    return go.Figure(
        bars,
        layout(
            scheme,
            height=130 + 24 * len(table),
            legend=LEGEND_ABOVE,
            bargap=0.25,
            xaxis={"title": "what is left", "range": [0, 1.05], "tickformat": ".0%"},
            yaxis={
                "categoryorder": "array",
                "categoryarray": table["parameter"].tolist()[::-1],
                "automargin": True,
                "dtick": 1,
            },
        ),
    )
