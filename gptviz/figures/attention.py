"""Pictures of attention: one pattern, all heads by a measure, the arithmetic of one query."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from gptviz.figures.theme import (
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

SMALLEST_CELL = 13  # pixels, while each token has its label
LARGEST_CELL = 44
PATTERN_SIDE = 640  # what a pattern grows to before its cells shrink
ROOM_FOR_BAR = 400  # pixels: a pattern whose empty corner holds the colour bar
IN_CORNER = {"x": 1, "xanchor": "right"}
ROOM_FOR_NUMBER = 44  # pixels: a square of a head that holds its number
BAR_PITCH = 24  # pixels from bar to bar
GAP = 0.05  # between columns of bars, as a share of the width


def heatmap(
    pattern: np.ndarray, tokens: Sequence[str], scheme: Scheme, query: int | None = None
) -> go.Figure:
    """One pattern (T, T) as a square: row = query, the token that looks; column = key.

    Not-a-number stays blank. The row of `query` is outlined. Raises ValueError unless there is
    one token for each row and column.
    """
    _check_square(pattern, tokens)
    T = len(tokens)
    ticks = token_ticks(tokens)
    cell = _cell(T)
    room = ticks.room
    has_corner = T * cell >= ROOM_FOR_BAR
    right = 20 if has_corner else 110
    outlines = []
    if query is not None:
        outlines = [outline(scheme, (-0.5, query + 0.5), (query - 0.5, query + 0.5))]
    # All at once: on a page that thirty browsers redraw, setting the axes afterwards would cost
    # more time than all the rest of the picture.
    return go.Figure(
        go.Heatmap(
            z=pattern.astype(np.float32),
            x=ticks.labels,
            y=ticks.labels,
            hovertemplate="%{y} looks at<br>%{x}<br>with weight %{z:.3f}<extra></extra>",
            hoverongaps=False,
            colorbar=_colour_bar("weight", T * cell) | (IN_CORNER if has_corner else {}),
            **amounts(scheme),
        ),
        layout(
            scheme,
            width=room + 30 + T * cell + right,
            height=room + 66 + T * cell,
            margin={"l": room + 30, "r": right, "t": 36, "b": room + 30, "autoexpand": False},
            xaxis=ticks.axis | {"tickangle": -90, "title": _titled("looked at (key)", ticks)},
            yaxis=ticks.axis | {"autorange": "reversed", "title": _titled("looks (query)", ticks)},
            shapes=outlines,
        ),
    )


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
    cell = min(64, max(26, 820 // n_head))
    squares = go.Heatmap(
        z=values.astype(np.float32),
        x=[f"H{head}" for head in range(n_head)],
        y=[f"L{layer}" for layer in range(n_layer)],
        xgap=2,
        ygap=2,
        hovertemplate=f"%{{y}} %{{x}}<br>{measure}: %{{z:.3f}}<extra></extra>",
        hoverongaps=False,
        colorbar=_colour_bar("", n_layer * cell),
        **amounts(scheme),
    )
    layers, heads = np.nonzero(~np.isnan(values))
    numbers = values[layers, heads]
    labels = go.Scatter(
        x=[f"H{head}" for head in heads],
        y=[f"L{layer}" for layer in layers],
        text=[f"{number:.2f}" for number in numbers],
        textfont={"color": ink(scheme, numbers)},
        mode="text",
        hoverinfo="skip",
        showlegend=False,
    )
    outlines = []
    if chosen is not None:
        layer, head = chosen
        outlines = [outline(scheme, (head - 0.5, head + 0.5), (layer - 0.5, layer + 0.5))]
    return go.Figure(
        [squares, labels] if cell >= ROOM_FOR_NUMBER else squares,
        layout(
            scheme,
            width=n_head * cell + 180,
            height=n_layer * cell + 106,
            margin={"l": 70, "r": 110, "t": 36, "b": 70, "autoexpand": False},
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


def _check_square(pattern: np.ndarray, tokens: Sequence[str]) -> None:
    if pattern.ndim != 2 or pattern.shape[0] != pattern.shape[1]:
        raise ValueError(f"a pattern must be (T, T), not {pattern.shape}; choose one head")
    check_labels(tokens, len(pattern), "rows and columns")


def _cell(T: int) -> float:
    if T > LABELLED_TOKENS:
        return LABELLED_TOKENS * SMALLEST_CELL / T
    return min(LARGEST_CELL, max(SMALLEST_CELL, PATTERN_SIDE / T))


def _bars_height(tokens: Sequence[str]) -> int:
    return min(len(tokens), LABELLED_TOKENS) * BAR_PITCH


def _colour_bar(title: str, height: float) -> dict[str, Any]:
    return {
        "title": {"text": title},
        "len": min(max(height, 160), 320),
        "lenmode": "pixels",
        "y": 1,
        "yanchor": "top",
    }


def _titled(words: str, ticks: TokenTicks) -> str:
    return f"{words}; {ticks.note}" if ticks.note else words
