"""Pictures of layer norms: a vector before and after, γ and β, and what is missed without one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from gptviz.app.lines import small
from gptviz.app.theme import LINE_WIDTH, PALETTES, Scheme, check_labels, layout, token_ticks

BINS = 40
HEIGHT = 340
GAP = 0.04  # between two histograms, as a share of the width
FEWEST_BARS = 8  # a single one would fill the picture
LABEL_PITCH = 19  # pixels from one slanted label to the next
NARROWEST_PAGE = 500  # pixels for a picture
TITLES = {"before": "before: x", "normalised": "normalised", "after": "after: × γ + β"}
RUG = -0.05  # where single values are marked, below 0, as a share of the highest bar


def before_and_after(
    values: Mapping[str, np.ndarray], moments: pd.DataFrame, scheme: Scheme
) -> go.Figure:
    """Histograms of one vector before a norm, normalised, and after, beside each other.

    values has the numbers (C,) of each step of `TITLES`; moments has their mean and variance, a row
    for each. A line marks the mean, a band one standard deviation on both sides. The second and the
    third share one axis; the first has the same bins as the second, in its own numbers, so only
    the numbers below it differ. Raises ValueError unless there are three of each.
    """
    if len(values) != 3 or len(moments) != 3:
        raise ValueError(f"{len(values)} vectors and {len(moments)} moments came; give three")
    before, normalised, after = (values[step] for step in TITLES)
    right = _edges(np.concatenate((normalised, after)))
    edges = (_same_bins(right, normalised, before), right, right)
    panels = []
    for step, its_edges, row in zip(TITLES, edges, moments.to_dict("records"), strict=True):
        mean, variance = row["mean"], row["variance"]
        heading = f"{TITLES[step]}<br>mean {_number(mean)}<br>variance {_number(variance)}"
        panels.append(_Panel(heading, values[step], its_edges, mean, variance**0.5))
    return _side_by_side(panels, scheme, top=84)


def parameters(gamma: np.ndarray, beta: np.ndarray, scheme: Scheme) -> go.Figure:
    """Histograms of γ and β (C,); a line marks 1 and 0, where training starts them."""
    panels = [
        _Panel("γ: what each dimension is multiplied by", gamma, _edges(gamma), 1.0, None),
        _Panel("β: what is added to it", beta, _edges(beta), 0.0, None),
    ]
    return _side_by_side(panels, scheme, top=50)


def divergences(
    divergence: np.ndarray, tokens: Sequence[str], position: int, scheme: Scheme
) -> go.Figure:
    """KL divergence after each token, (T,) nats, as bars; the chosen token's in the accent.

    Raises ValueError unless there is one token for each number.
    """
    check_labels(tokens, len(divergence), "tokens")
    colours = PALETTES[scheme]
    ticks = token_ticks(tokens)
    chosen = np.arange(len(tokens)) == position
    return go.Figure(
        go.Bar(
            x=ticks.labels,
            y=small(divergence),
            marker={
                "color": np.where(chosen, colours.accent, colours.sequential[3]),
                "line": {"width": 0},
            },
            text=np.where(chosen, "▼", ""),
            textposition="outside",
            cliponaxis=False,
            hovertemplate="after %{x}<br>%{y:.4f} nats<extra></extra>",
        ),
        layout(
            scheme,
            height=HEIGHT,
            width=_width(len(ticks.axis["tickvals"])),
            xaxis={
                **ticks.axis,
                "tickangle": -60 if len(tokens) > 8 else 0,
                "title": ticks.note,
                "range": [-0.5, max(len(tokens), FEWEST_BARS) - 0.5],
            },
            yaxis={"title": "nats", "rangemode": "tozero"},
        ),
    )


def _width(labels: int) -> int | None:
    """None: as wide as the page. Many labels need a width of their own, or they would overlap."""
    return 100 + labels * LABEL_PITCH if labels * LABEL_PITCH > NARROWEST_PAGE else None


@dataclass(frozen=True, eq=False)
class _Panel:
    title: str
    numbers: np.ndarray
    edges: np.ndarray
    mark: float  # where the dotted line stands
    spread: float | None  # half the width of the band around it


def _side_by_side(panels: Sequence[_Panel], scheme: Scheme, top: int) -> go.Figure:
    """Histograms with one scale of heights.

    Made of plain settings in one go: with Plotly's helpers it takes seven times as long,
    and a class that moves its sliders would wait.
    """
    colours = PALETTES[scheme]
    share = (1 - GAP * (len(panels) - 1)) / len(panels)
    dotted = {"color": colours.text, "width": LINE_WIDTH, "dash": "dot"}
    traces, shapes, titles, axes = [], [], [], {}
    for i, panel in enumerate(panels):
        axis = f"x{i + 1}" if i else "x"
        left = i * (share + GAP)
        axes[f"xaxis{i + 1}"] = {"domain": [left, left + share], "title": {"text": "value"}}
        traces += _histogram(panel, axis, scheme)
        place = {"xref": axis, "yref": "paper", "y0": 0, "y1": 1}
        shapes.append({"type": "line", "x0": panel.mark, "x1": panel.mark, "line": dotted, **place})
        if panel.spread is not None:
            band = {"x0": panel.mark - panel.spread, "x1": panel.mark + panel.spread, **place}
            look = {"fillcolor": colours.muted, "opacity": 0.18, "layer": "below"}
            shapes.append({"type": "rect", "line": {"width": 0}, **band, **look})
        middle = {"x": left + share / 2, "y": 1, "xanchor": "center", "yanchor": "bottom"}
        paper = {"xref": "paper", "yref": "paper", "showarrow": False}
        titles.append({"text": panel.title, **middle, **paper})
    settings = {
        "height": HEIGHT,
        "margin": {"t": top},
        "showlegend": False,
        "bargap": 0,
        "yaxis": {"title": {"text": "dimensions"}},
        "shapes": shapes,
        "annotations": titles,
    }
    return go.Figure(traces, layout(scheme, **settings, **axes))


def _histogram(panel: _Panel, axis: str, scheme: Scheme) -> list[dict[str, Any]]:
    colours = PALETTES[scheme]
    low, high = panel.edges[:-1], panel.edges[1:]
    # Edges that were stretched are rounded; no number at an end is lost by that.
    counts, _ = np.histogram(panel.numbers.clip(low[0], high[-1]), panel.edges)
    bars = {
        "type": "bar",
        "xaxis": axis,
        "x": (low + high) / 2,
        "y": counts,
        "width": high - low,
        "marker": {"color": colours.sequential[3], "line": {"width": 0.5, "color": colours.grid}},
        "customdata": np.stack((low, high), axis=-1),
        "hovertemplate": "%{customdata[0]:.3f} to %{customdata[1]:.3f}<br>"
        "%{y} dimensions<extra></extra>",
    }
    rug = {
        "type": "scatter",
        "xaxis": axis,
        "x": small(panel.numbers),
        "y": np.full(len(panel.numbers), RUG * counts.max(), dtype=np.float32),
        "mode": "markers",
        "marker": {"symbol": "line-ns", "size": 8, "line": {"width": 1, "color": colours.muted}},
        "customdata": np.arange(len(panel.numbers)),
        "hovertemplate": "dimension %{customdata}: %{x:.4f}<extra></extra>",
    }
    return [bars, rug]


def _edges(numbers: np.ndarray) -> np.ndarray:
    finite = numbers[np.isfinite(numbers)]
    return np.histogram_bin_edges(finite, BINS)  # half a unit around a single value


def _same_bins(edges: np.ndarray, of: np.ndarray, like: np.ndarray) -> np.ndarray:
    """The edges for `like`, where `of` is `like` moved and stretched."""
    stretch = np.ptp(like) / np.ptp(of) if np.ptp(of) > 0 else np.nan
    if not np.isfinite(stretch):
        return _edges(like)
    return like.min() + (edges - of.min()) * stretch


def _number(x: float) -> str:
    if abs(x) < 1e-6:  # what rounding leaves of 0
        return "0"
    return (f"{x:,.0f}" if abs(x) >= 1e4 else f"{x:.4g}").replace("-", "−")
