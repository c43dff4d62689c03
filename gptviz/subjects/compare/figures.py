"""Pictures of two sides: pairs of bars, differences by token, and one head's patterns."""

import html
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
    TokenTicks,
    amounts,
    check_labels,
    cut,
    layout,
    signed,
    symmetric_limit,
    token_ticks,
)

SCALES = (0.1, 0.2, 0.5, 1.0)  # where an axis of probabilities may end
SMALLEST, LARGEST = 150, 270  # pixels: the side of one pattern
LABEL_PITCH = 17  # pixels from one named token to the next
GAP, TOP, BAR_ROOM = 34, 74, 40


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
    most = 1.25 * symmetric_limit(values)  # room for the numbers
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
                "tickformat": "+.1~%",
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


def patterns(
    left: np.ndarray | None,
    right: np.ndarray | None,
    left_tokens: Sequence[str],
    right_tokens: Sequence[str],
    scheme: Scheme,
    difference: np.ndarray | None = None,
) -> go.Figure:
    """One head's patterns side by side, (T, T) and (U, U), and their difference if there is one.

    Patterns run from 0 to 1 and the difference, right less left, from −1 to 1. A side without
    such a head is None and is left out. Raises ValueError unless there is one token for each row,
    and if there is nothing to draw.
    """
    panels = [
        _Panel(title, values, tokens)
        for title, values, tokens in (
            ("left", left, left_tokens),
            ("right", right, right_tokens),
            ("right less left", difference, _both(left_tokens, right_tokens)),
        )
        if values is not None
    ]
    if not panels:
        raise ValueError("neither side has a pattern to draw")
    width = sum(panel.room + panel.side + GAP for panel in panels)
    tallest = max(panel.side for panel in panels)
    below = max(panel.ticks.room for panel in panels)
    height = TOP + tallest + below
    maps, settings, titles = [], {}, []
    edge = 0.0
    for i, panel in enumerate(panels, start=1):
        edge += panel.room
        across = [edge / width, (edge + panel.side) / width]
        edge += panel.side + GAP
        is_difference = panel.title == "right less left"
        scale = signed(scheme, 1.0) if is_difference else amounts(scheme)
        words = "weight changed by %{z:+.3f}" if is_difference else "weight %{z:.3f}"
        bar = {
            **{"orientation": "h", "thickness": 10, "len": panel.side, "lenmode": "pixels"},
            **{"x": sum(across) / 2, "y": 1, "yanchor": "bottom", "ypad": 4},
            "tickvals": [-1, 0, 1] if is_difference else [0, 0.5, 1],
            "ticklabelposition": "outside top",
        }
        shared = bool(panels[1:]) and i == 1 and panels[1].title == "right"
        maps.append(
            go.Heatmap(
                z=panel.values.astype(np.float32),
                x=panel.ticks.labels,
                y=panel.ticks.labels,
                xaxis=f"x{i}",
                yaxis=f"y{i}",
                hovertemplate=f"%{{y}} looks at<br>%{{x}}<br>{words}<extra>{panel.title}</extra>",
                colorbar=bar,
                showscale=is_difference or i == 1 or not shared,
                **scale,
            )
        )
        down = [1 - panel.side / tallest, 1]
        settings[f"xaxis{i}"] = panel.axis(named=True) | {"domain": across, "anchor": f"y{i}"}
        settings[f"yaxis{i}"] = panel.axis(named=True) | {
            **{"domain": down, "anchor": f"x{i}", "autorange": "reversed"},
        }
        settings[f"xaxis{i}"]["tickangle"] = -90
        titles.append(
            {
                **{"text": panel.title, "x": across[0], "xanchor": "left", "showarrow": False},
                **{"y": 1, "yanchor": "bottom", "yshift": BAR_ROOM, "xref": "paper"},
                "yref": "paper",
            }
        )
    margin = {"l": 0, "r": 0, "t": TOP, "b": below, "autoexpand": False}
    return go.Figure(
        maps,
        layout(scheme, width=width, height=height, margin=margin, annotations=titles, **settings),
    )


class _Panel:
    """One square of the picture: its numbers, and how its tokens are named beside it."""

    def __init__(self, title: str, values: np.ndarray, tokens: Sequence[str]):
        check_labels(tokens, len(values), "rows and columns")
        self.title, self.values = title, values
        self.ticks: TokenTicks = token_ticks(tokens)
        self.side = int(min(LARGEST, max(SMALLEST, 34 * len(tokens))))
        self.room = self.ticks.room

    def axis(self, *, named: bool) -> dict[str, Any]:
        """Plotly's settings of either axis, with as many names as there is room for."""
        step = max(1, -(-LABEL_PITCH * len(self.values) // self.side))
        labels = self.ticks.labels[::step] if named else []
        short = self.ticks.axis["ticktext"]
        every = len(self.ticks.labels) // max(1, len(short)) or 1
        shown = [short[i // every] if i % every == 0 else "" for i in range(len(self.values))]
        return self.ticks.axis | {
            **{"tickvals": labels, "ticktext": shown[::step], "automargin": False},
            "tickfont": {"family": MONO, "size": 14},
        }


def _both(left: Sequence[str], right: Sequence[str]) -> Sequence[str]:
    if len(left) != len(right):
        return left
    return [
        own if own == other else f"{own}/{other}" for own, other in zip(left, right, strict=True)
    ]
