"""Pictures of two sides: pairs of bars, differences by token, and one head's patterns."""

import html
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from gptviz.app.paired_bars import ROW_PITCH, paired_bars
from gptviz.app.theme import (
    MONO,
    PALETTES,
    TEXT_SIZE,
    Scheme,
    amounts,
    check_labels,
    cut,
    layout,
    signed,
    symmetric_limit,
    token_ticks,
)

SCALES = (0.1, 0.2, 0.5, 1.0)  # where an axis of probabilities may end
SMALLEST, LARGEST = 184, 300  # pixels: the side of one pattern
FINEST = 12  # pixels a token, until it is as large as that
LABEL_PITCH, LABEL_SIZE = 17, 14  # pixels from one named token to the next, and of its letters
TOP, SCALE, RIGHT = 78, 44, 12  # pixels: above a pattern, of these for its scale, and beside it


def sides(scheme: Scheme) -> dict[str, str]:
    """The colours of both sides, by their names."""
    palette = PALETTES[scheme]
    return {"left": palette.attn, "right": palette.accent}


def probability_bars(table: pd.DataFrame, scheme: Scheme) -> go.Figure:
    """The likeliest next tokens of both sides, with the columns token, left and right.

    The axis ends at 10, 20, 50 or 100 %, whatever these need.
    """
    most = float(np.nanmax(table[["left", "right"]].to_numpy()))
    end = next(scale for scale in SCALES if most <= scale or scale == SCALES[-1])
    axis = {"range": [0, end], "tickformat": ".0%", "title": "probability"}
    return paired_bars(table, sides(scheme), scheme, axis=axis, number=".2%")


def cosine_bars(table: pd.DataFrame, scheme: Scheme) -> go.Figure:
    """The cosines of neighbours on both sides, with the columns token, left and right."""
    ticks = [-1, -0.5, 0, 0.5, 1]
    axis = {"range": [-1.05, 1.05], "tickvals": ticks, "title": "cosine"}
    return paired_bars(table, sides(scheme), scheme, axis=axis, number=".3f")


def difference_bars(table: pd.DataFrame, scheme: Scheme) -> go.Figure:
    """The tokens whose probability differs most, with the columns token and difference.

    A bar to the right is a token that is likelier on the right; the axis fits this picture.
    """
    values = table["difference"].to_numpy()
    most = 1.6 * symmetric_limit(values)  # room for the numbers, on a phone too
    colours = PALETTES[scheme].diverging
    rows = list(range(len(table)))
    bars = go.Bar(
        x=values.astype(np.float32),
        y=rows,
        orientation="h",
        marker={"color": np.where(values < 0, colours[1], colours[-2])},
        text=[f"{100 * value:+.1f}".replace("-", "−") for value in values],
        textposition="outside",
        cliponaxis=False,
        customdata=[html.escape(token, quote=False) for token in table["token"]],
        hovertemplate="%{customdata}: %{x:+.2%}<extra></extra>",
    )
    return go.Figure(
        bars,
        layout(
            scheme,
            height=len(table) * ROW_PITCH + 110,
            bargap=0.35,
            xaxis={
                "range": [-most, most],
                "tickformat": ".1~%",
                "nticks": 5,
                "title": "right less left",
            },
            yaxis={
                "autorange": "reversed",
                "tickvals": rows,
                "ticktext": [html.escape(cut(token), quote=False) for token in table["token"]],
                "tickfont": {"family": MONO, "size": TEXT_SIZE},
                "showgrid": False,
                "zeroline": False,
            },
        ),
    )


def pattern(values: np.ndarray, tokens: Sequence[str], title: str, scheme: Scheme) -> go.Figure:
    """One side's pattern of a head, (T, T), from 0 to 1; rows look, columns are looked at.

    Raises ValueError unless there is one token for each row.
    """
    return _square(values, tokens, title, scheme, "weight %{z:.3f}", amounts(scheme))


def difference(
    values: np.ndarray, left_tokens: Sequence[str], right_tokens: Sequence[str], scheme: Scheme
) -> go.Figure:
    """How much each weight differs, (T, T), right less left, from −1 to 1.

    A position with two different tokens is named by both. Raises ValueError unless both sides
    have one token for each row.
    """
    both = zip(left_tokens, right_tokens, strict=True)
    tokens = [own if own == other else f"{own}/{other}" for own, other in both]
    words = "weight differs by %{z:+.3f}"
    return _square(values, tokens, "right less left", scheme, words, signed(scheme, 1.0))


def _square(
    values: np.ndarray,
    tokens: Sequence[str],
    title: str,
    scheme: Scheme,
    words: str,
    scale: dict[str, Any],
) -> go.Figure:
    check_labels(tokens, len(values), "rows and columns")
    ticks = token_ticks(tokens)
    side = min(LARGEST, max(SMALLEST, FINEST * len(tokens)))
    named = ticks.axis["tickvals"]
    step = max(1, math.ceil(LABEL_PITCH * len(named) / side))  # as many names as there is room for
    axis = ticks.axis | {
        **{"tickvals": named[::step], "ticktext": ticks.axis["ticktext"][::step]},
        **{"tickfont": {"family": MONO, "size": LABEL_SIZE}, "automargin": False},
    }
    squares = go.Heatmap(
        z=values.astype(np.float32),
        x=ticks.labels,
        y=ticks.labels,
        hovertemplate=f"%{{y}} looks at<br>%{{x}}<br>{words}<extra></extra>",
        colorbar={
            **{"orientation": "h", "thickness": 10, "len": side, "lenmode": "pixels"},
            **{"y": 1, "yanchor": "bottom", "ypad": 4, "nticks": 3},
        },
        **scale,
    )
    margin = {"l": ticks.room, "r": RIGHT, "t": TOP, "b": ticks.room, "autoexpand": False}
    return go.Figure(
        squares,
        layout(
            scheme,
            width=ticks.room + side + RIGHT,
            height=TOP + side + ticks.room,
            margin=margin,
            title={
                "text": title,
                "y": 1,
                "yref": "paper",
                "yanchor": "bottom",
                "pad": {"b": SCALE},
            },
            xaxis=axis | {"tickangle": -90},
            yaxis=axis | {"autorange": "reversed"},
        ),
    )
