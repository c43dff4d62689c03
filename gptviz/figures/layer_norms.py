"""Pictures of layer norms: a vector before and after, γ and β, and what is missed without one."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from gptviz.figures.theme import LINE_WIDTH, PALETTES, Scheme, check_labels, layout, token_ticks

BINS = 40
HEIGHT = 340
FEWEST_BARS = 8  # a single one would fill the picture
LABEL_PITCH = 19  # pixels from one slanted label to the next
NARROWEST_PAGE = 500  # pixels for a picture
RUG = -0.05  # where single values are marked, below 0, as a share of the highest bar


def before_and_after(
    values: Mapping[str, np.ndarray], moments: pd.DataFrame, scheme: Scheme
) -> go.Figure:
    """Histograms of one vector before a norm, normalised, and after, beside each other.

    values maps the three titles to numbers (C,); moments has their mean and variance, a row for
    each. A line marks the mean, a band one standard deviation on both sides. The second and the
    third share one axis; the first has the same bins as the second, in its own numbers, so only
    the numbers below it differ. Raises ValueError unless there are three of each.
    """
    if len(values) != 3 or len(moments) != 3:
        raise ValueError(f"{len(values)} vectors and {len(moments)} moments came; give three")
    titles = [
        f"{title}<br>mean {_number(mean)}<br>variance {_number(variance)}"
        for title, mean, variance in zip(values, moments["mean"], moments["variance"], strict=True)
    ]
    before, normalised, after = values.values()
    right = _edges(np.concatenate((normalised, after)))
    figure = _side_by_side(titles)
    for column, (numbers, edges) in enumerate(
        ((before, _same_bins(right, normalised, before)), (normalised, right), (after, right)),
        start=1,
    ):
        mean = float(moments["mean"].iloc[column - 1])
        spread = float(moments["variance"].iloc[column - 1]) ** 0.5
        _histogram(figure, column, numbers, edges, scheme)
        _mark(figure, column, mean, scheme)
        figure.add_vrect(
            x0=mean - spread,
            x1=mean + spread,
            col=column,
            row=1,
            fillcolor=PALETTES[scheme].muted,
            opacity=0.18,
            line_width=0,
            layer="below",
        )
    figure.update_xaxes(title="value")
    figure.update_yaxes(title="dimensions", col=1)
    return figure.update_layout(layout(scheme, height=HEIGHT, **_no_legend(84)))


def parameters(gamma: np.ndarray, beta: np.ndarray, scheme: Scheme) -> go.Figure:
    """Histograms of γ and β (C,); a line marks 1 and 0, where training starts them."""
    figure = _side_by_side(["γ: what each dimension is multiplied by", "β: what is added to it"])
    for column, (numbers, start) in enumerate(((gamma, 1.0), (beta, 0.0)), start=1):
        _histogram(figure, column, numbers, _edges(numbers), scheme)
        _mark(figure, column, start, scheme)
    figure.update_xaxes(title="value")
    figure.update_yaxes(title="dimensions", col=1)
    return figure.update_layout(layout(scheme, height=HEIGHT, **_no_legend(50)))


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
    figure = go.Figure(
        go.Bar(
            x=ticks.labels,
            y=_small(divergence),
            marker={
                "color": np.where(chosen, colours.accent, colours.sequential[3]),
                "line": {"width": 0},
            },
            text=np.where(chosen, "▼", ""),
            textposition="outside",
            cliponaxis=False,
            hovertemplate="after %{x}<br>%{y:.4f} nats<extra></extra>",
        ),
        layout(scheme, height=HEIGHT, width=_width(len(ticks.axis["tickvals"]))),
    )
    figure.update_xaxes(**ticks.axis, tickangle=-60 if len(tokens) > 8 else 0, title=ticks.note)
    figure.update_xaxes(range=[-0.5, max(len(tokens), FEWEST_BARS) - 0.5])
    return figure.update_yaxes(title="nats", rangemode="tozero")


def _width(labels: int) -> int | None:
    """None: as wide as the page. Many labels need a width of their own, or they would overlap."""
    return 100 + labels * LABEL_PITCH if labels * LABEL_PITCH > NARROWEST_PAGE else None


def _side_by_side(titles: Sequence[str]) -> go.Figure:
    return make_subplots(
        cols=len(titles), shared_yaxes="all", horizontal_spacing=0.04, subplot_titles=titles
    )


def _no_legend(top: int) -> dict[str, object]:
    return {"showlegend": False, "bargap": 0, "margin": {"t": top}}


def _histogram(
    figure: go.Figure, column: int, numbers: np.ndarray, edges: np.ndarray, scheme: Scheme
) -> None:
    colours = PALETTES[scheme]
    counts, _ = np.histogram(numbers, edges)
    figure.add_bar(
        x=(edges[:-1] + edges[1:]) / 2,
        y=counts,
        width=np.diff(edges),
        marker={"color": colours.sequential[3], "line": {"width": 0.5, "color": colours.grid}},
        customdata=np.stack((edges[:-1], edges[1:]), axis=-1),
        hovertemplate="%{customdata[0]:.3f} to %{customdata[1]:.3f}<br>"
        "%{y} dimensions<extra></extra>",
        row=1,
        col=column,
    )
    figure.add_scatter(
        x=_small(numbers),
        y=np.full(len(numbers), RUG * counts.max(), dtype=np.float32),
        mode="markers",
        marker={"symbol": "line-ns", "size": 8, "line": {"width": 1, "color": colours.muted}},
        customdata=np.arange(len(numbers)),
        hovertemplate="dimension %{customdata}: %{x:.4f}<extra></extra>",
        row=1,
        col=column,
    )


def _mark(figure: go.Figure, column: int, x: float, scheme: Scheme) -> None:
    line = {"color": PALETTES[scheme].text, "width": LINE_WIDTH, "dash": "dot"}
    figure.add_vline(x=x, row=1, col=column, line=line)


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


def _small(values: np.ndarray) -> np.ndarray:
    return values.astype(np.float32)
