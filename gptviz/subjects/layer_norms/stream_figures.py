"""Pictures of the residual stream: how each token's vector changes from stage to stage."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from gptviz.app.lines import logarithmic_ticks, plain_numbers, small
from gptviz.app.theme import (
    LEGEND_ABOVE,
    LINE_WIDTH,
    PALETTES,
    Scheme,
    check_labels,
    layout,
    token_ticks,
)

HEIGHT = 360
LABELLED_STAGES = 26  # an axis names each stage up to here, then every second one, third one …


def spread_by_stage(
    mean: np.ndarray, spread: np.ndarray, stages: Sequence[str], scheme: Scheme, mark: str | None
) -> go.Figure:
    """Mean and spread of one token's stream, (S,) each: a line, and a band of mean ± spread.

    `mark` is a stage to point at. Raises ValueError unless there is one stage for each number.
    """
    check_labels(stages, len(mean), "stages")
    colours = PALETTES[scheme]
    low, high = mean - spread, mean + spread
    edge = {"x": list(stages), "mode": "lines", "line": {"width": 1, "color": colours.accent}}
    lower = go.Scatter(**edge, y=small(low), hoverinfo="skip", showlegend=False)
    upper = go.Scatter(
        **edge,
        y=small(high),
        fill="tonexty",
        fillcolor=_faint(colours.accent),
        name="mean ± spread",
        hoverinfo="skip",
    )
    middle = go.Scatter(
        x=list(stages),
        y=small(mean),
        mode="lines+markers",
        line={"color": colours.accent, "width": LINE_WIDTH + 1},
        name="mean",
        customdata=small(spread),
        hovertemplate="%{x}<br>mean %{y:.4f}<br>spread %{customdata:.4f}<extra></extra>",
    )
    settings = _by_stage(stages, scheme, mark)
    height = {"height": HEIGHT, "yaxis": {"title": "value"}}
    return go.Figure([lower, upper, middle], layout(scheme, **height, **settings))


def norms_by_stage(
    norm: np.ndarray,
    stages: Sequence[str],
    tokens: Sequence[str],
    position: int,
    scheme: Scheme,
    mark: str | None,
) -> go.Figure:
    """Length of the stream of every token, (S, T): a line a token, the chosen one in the accent.

    The axis multiplies: each step up is the same factor. Raises ValueError unless there is one
    stage for each row and one token for each column.
    """
    S, T = norm.shape
    check_labels(stages, S, "stages")
    check_labels(tokens, T, "tokens")
    colours = PALETTES[scheme]
    labels = token_ticks(tokens).labels
    gap = np.full((1, T), np.nan)
    # All lines but one are one trace with gaps: 256 traces would take the browser seconds.
    others = np.delete(np.concatenate((norm, gap)), position, axis=1)
    hover = "%{customdata}<br>%{x}<br>length %{y:.2f}<extra></extra>"
    rest = go.Scatter(
        x=[*stages, None] * (T - 1),
        y=small(others.T.ravel()),
        customdata=[label for i, label in enumerate(labels) if i != position for _ in range(S + 1)],
        mode="lines",
        line={"color": colours.muted, "width": 1},
        opacity=0.7,
        name="the other tokens",
        hovertemplate=hover,
    )
    chosen = go.Scatter(
        x=list(stages),
        y=small(norm[:, position]),
        customdata=[labels[position]] * S,
        mode="lines+markers",
        line={"color": colours.accent, "width": LINE_WIDTH + 1},
        name=labels[position],
        hovertemplate=hover,
    )
    lengths = {"title": "length of the vector", **_multiplying(norm)}
    settings = _by_stage(stages, scheme, mark)
    return go.Figure([rest, chosen], layout(scheme, height=HEIGHT + 60, yaxis=lengths, **settings))


def lengths_compared(
    before: np.ndarray, after: np.ndarray, stages: Sequence[str], scheme: Scheme, mark: str | None
) -> go.Figure:
    """Length of one token's stream, (S,) each, with a norm (solid) and without it (dashed).

    Raises ValueError unless there is one stage for each number.
    """
    check_labels(stages, len(before), "stages")
    check_labels(stages, len(after), "stages")
    colours = PALETTES[scheme]
    traces = []
    for name, hover, lengths, colour, dash in (
        ("with the norm", "length with the norm: %{y:.2f}", before, colours.muted, "solid"),
        ("without it", "length without it: %{y:.2f}", after, colours.accent, "dash"),
    ):
        line = go.Scatter(
            x=list(stages),
            y=small(lengths),
            mode="lines+markers",
            line={"color": colour, "width": LINE_WIDTH + 1, "dash": dash},
            name=name,
            hovertemplate=f"%{{x}}<br>{hover}<extra></extra>",
        )
        traces.append(line)
    axis = {
        "title": "length of the vector",
        **_multiplying(np.concatenate((before, after))),
    }
    settings = _by_stage(stages, scheme, mark)
    return go.Figure(traces, layout(scheme, height=HEIGHT, yaxis=axis, **settings))


def _by_stage(stages: Sequence[str], scheme: Scheme, mark: str | None) -> dict[str, Any]:
    """The axis of stages, the line at one of them, and the legend."""
    step = -(-len(stages) // LABELLED_STAGES)
    named = list(stages)[::step]
    axis = {
        "type": "category",
        "tickmode": "array",
        "tickvals": named,
        "ticktext": [_short(stage) for stage in named],
        "tickangle": -60,
        "showgrid": False,
    }
    lines = []
    if mark is not None:
        at = list(stages).index(mark)
        place = {"x0": at, "x1": at, "y0": 0, "y1": 1, "xref": "x", "yref": "y domain"}
        look = {"color": PALETTES[scheme].text, "width": LINE_WIDTH, "dash": "dot"}
        lines.append({"type": "line", "line": look, **place})
    return {"xaxis": axis, "shapes": lines, "legend": LEGEND_ABOVE}


def _multiplying(lengths: np.ndarray) -> dict[str, Any]:
    """A logarithmic axis with ticks in plain numbers, from the one below all lengths upwards."""
    drawn = lengths[np.isfinite(lengths) & (lengths > 0)]
    if not drawn.size:
        return {"type": "linear"}
    ticks = logarithmic_ticks(drawn)
    first = max((tick for tick in ticks if tick <= drawn.min()), default=ticks[0])
    last = min((tick for tick in ticks if tick >= drawn.max()), default=10.0 * ticks[-1])
    room = 0.03 * math.log10(last / first) if last > first else 0.5
    return {
        "type": "log",
        "range": [math.log10(first) - room, math.log10(last) + room],
        "tickvals": ticks,
        "ticktext": plain_numbers(ticks),
    }


def _short(stage: str) -> str:
    """embed; L0 attn: after attention of block 0 (h.0.resid_mid); L0 MLP: after the MLP (h.0)."""
    _, *number = stage.split(".")
    if not number:
        return stage
    layer = number[0]
    return f"L{layer} attn" if stage.endswith("resid_mid") else f"L{layer} MLP"


def _faint(colour: str) -> str:
    red, green, blue = bytes.fromhex(colour.removeprefix("#"))
    return f"rgba({red},{green},{blue},0.2)"
