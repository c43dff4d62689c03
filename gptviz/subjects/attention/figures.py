"""Pictures of attention: all heads by a measure, and the arithmetic of one query."""

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from gptviz.app.theme import (
    LABELLED_TOKENS,
    PALETTES,
    Scheme,
    TokenTicks,
    amounts,
    check_labels,
    ink,
    layout,
    outline,
    signed,
    symmetric_limit,
    token_ticks,
)

HEAD_PITCH = 40  # pixels from layer to layer
MOST_NUMBERED = 8  # heads in a row, of which each has room for its number on a phone
NUMBER_SIZE = 13  # pixels, so that it has
BAR_PITCH = 24  # pixels from bar to bar
GAP = 0.05  # between columns of bars, as a share of the width


def head_map(
    values: np.ndarray, measure: str, scheme: Scheme, chosen: tuple[int, int] | None = None
) -> go.Figure:
    """One number from 0 to 1 for each head, (n_layer, H): rows are layers, columns heads.

    Not-a-number stays blank. The head `chosen` (layer, head) is outlined. Raises ValueError for
    an array that is not two-dimensional.
    """
    if values.ndim != 2:
        raise ValueError(f"values have {values.ndim} dimensions; they must be (layer, head)")
    n_layer, n_head = values.shape
    squares = go.Heatmap(
        z=values.astype(np.float32),
        x=[f"H{head}" for head in range(n_head)],
        y=[f"L{layer}" for layer in range(n_layer)],
        xgap=2,
        ygap=2,
        hovertemplate=f"%{{y}} %{{x}}<br>{measure}: %{{z:.3f}}<extra></extra>",
        hoverongaps=False,
        colorbar={"orientation": "h", "y": 1.02, "yanchor": "bottom", "len": 0.6, "x": 0.3},
        **amounts(scheme),
    )
    layers, heads = np.nonzero(~np.isnan(values))
    numbers = values[layers, heads]
    labels = go.Scatter(
        x=[f"H{head}" for head in heads],
        y=[f"L{layer}" for layer in layers],
        text=[f"{number:.2f}" for number in numbers],
        textfont={"color": ink(scheme, numbers), "size": NUMBER_SIZE},
        mode="text",
        hoverinfo="skip",
        showlegend=False,
    )
    outlines = []
    if chosen is not None:
        layer, head = chosen
        outlines = [outline(scheme, (head - 0.5, head + 0.5), (layer - 0.5, layer + 0.5))]
    return go.Figure(
        [squares, labels] if n_head <= MOST_NUMBERED else squares,
        layout(
            scheme,
            height=n_layer * HEAD_PITCH + 130,
            margin={"l": 56, "r": 8, "t": 64, "b": 66, "autoexpand": False},
            xaxis={"title": "head", "showgrid": False},
            yaxis={"title": "layer", "showgrid": False, "autorange": "reversed"},
            shapes=outlines,
        ),
    )


def arithmetic_steps(
    steps: dict[str, np.ndarray], masked: np.ndarray, tokens: Sequence[str], scheme: Scheme
) -> go.Figure:
    """The steps from q·k to weighted values as columns of bars, one bar a key.

    `steps` maps the title of a column to its numbers (T,); the column "weight" runs from 0 to 1,
    any other fits its numbers. Keys that are masked are hatched. Raises ValueError unless there
    is one token for each number.
    """
    for numbers in (*steps.values(), masked):
        check_labels(tokens, len(numbers), "keys")
    colours = PALETTES[scheme]
    ticks = token_ticks(tokens)
    share = (1 - GAP * (len(steps) - 1)) / len(steps)
    columns, titles, axes = [], [], {}
    for i, (title, numbers) in enumerate(steps.items()):
        left = i * (share + GAP)
        sign = np.where(numbers < 0, colours.diverging[1], colours.sequential[3])
        bars = {
            "type": "bar",
            "xaxis": f"x{i + 1}" if i else "x",
            "x": numbers.astype(np.float32),
            "y": ticks.labels,
            "orientation": "h",
            "marker": {
                "color": np.where(masked, colours.muted, sign),
                "pattern": {"shape": np.where(masked, "/", ""), "fgcolor": colours.background},
            },
            "hovertemplate": f"%{{y}}<br>{title}: %{{x:.4f}}<extra></extra>",
        }
        columns.append(bars)
        axis = {"domain": [left, left + share], "nticks": 4, "zeroline": True}
        axes[f"xaxis{i + 1}"] = axis | ({"range": [0, 1]} if title == "weight" else {})
        middle = {"x": left + share / 2, "y": 1, "xanchor": "center", "yanchor": "bottom"}
        paper = {"xref": "paper", "yref": "paper", "showarrow": False}
        titles.append({"text": title, **middle, **paper})
    settings = {"showlegend": False, "bargap": 0.25, "annotations": titles, **axes}
    keys = ticks.axis | {"autorange": "reversed", "title": _titled("key", ticks)}
    height = _bars_height(tokens) + 90
    return go.Figure(columns, layout(scheme, height=height, yaxis=keys, **settings))


def weighted_values(
    weighted: np.ndarray, z: np.ndarray, tokens: Sequence[str], scheme: Scheme
) -> go.Figure:
    """Weight × value of each key (n, d), and below them their sum z (d,), on one signed scale.

    The scale fits the largest value of this picture. Raises ValueError unless there is one token
    for each row.
    """
    check_labels(tokens, len(weighted), "rows")
    ticks = token_ticks(tokens)
    total = "sum = z"
    scale = signed(scheme, symmetric_limit(np.concatenate((weighted.ravel(), z))))
    hover = "%{y}<br>dimension %{x}<br>%{z:.4f}<extra></extra>"
    height = max(160, _bars_height(tokens))
    below = 0.96 * 40 / (height + 40)  # the row of the sum, as a share of the picture
    bar = {"title": {"text": "value"}, "len": 0.8}
    alike = {"hovertemplate": hover, "colorbar": bar, **scale}
    rows = go.Heatmap(z=weighted.astype(np.float32), y=ticks.labels, **alike)
    sums = go.Heatmap(z=z[None].astype(np.float32), y=[total], yaxis="y2", showscale=False, **alike)
    dimensions = {"title": "dimension of the head", "showgrid": False, "zeroline": False}
    keys = {"autorange": "reversed", "title": _titled("key", ticks), "domain": [below + 0.04, 1]}
    one = {"type": "category", "tickfont": ticks.axis["tickfont"], "domain": [0, below]}
    return go.Figure(
        [rows, sums],
        layout(
            scheme,
            height=height + 130,
            xaxis=dimensions | {"anchor": "y2"},
            yaxis=ticks.axis | keys,
            yaxis2=one,
        ),
    )


def _bars_height(tokens: Sequence[str]) -> int:
    return min(len(tokens), LABELLED_TOKENS) * BAR_PITCH


def _titled(words: str, ticks: TokenTicks) -> str:
    return f"{words}; {ticks.note}" if ticks.note else words
