"""Lines of several runs, heads or groups in one picture, and axes that multiply."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from gptviz.app.theme import LINE_WIDTH, PALETTES, SMALL_TEXT_SIZE, Scheme

DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")


def look(i: int, scheme: Scheme) -> dict[str, Any]:
    """Plotly's settings of the i-th line: unlike the others in colour and in dash."""
    colours = PALETTES[scheme]
    palette = (
        colours.sequential[3],
        colours.accent,
        colours.diverging[-2],
        colours.text,
        colours.sequential[4],
        colours.muted,
    )
    dash = DASHES[(i + i // len(palette)) % len(DASHES)]
    return {"color": palette[i % len(palette)], "dash": dash, "width": LINE_WIDTH}


def small(values: np.ndarray) -> np.ndarray:
    """The numbers as float32: half the bytes on their way to the browser."""
    return values.astype(np.float32)


def columns(
    table: pd.DataFrame,
    x: str,
    names: Mapping[str, str],
    hover: str,
    scheme: Scheme,
    mode: str = "lines",
) -> list[go.Scatter]:
    """A line for each of some columns of a table, over its column x.

    names gives what the legend says for each column; hover is Plotly's template of what a place
    tells, in which NAME stands for that.
    """
    return [
        go.Scatter(
            x=table[x].to_numpy(),
            y=small(table[column].to_numpy()),
            name=name,
            mode=mode,
            line=look(i, scheme),
            hovertemplate=f"{hover.replace('NAME', name)}<extra></extra>",
        )
        for i, (column, name) in enumerate(names.items())
    ]


def across(
    figure: go.Figure,
    levels: Mapping[str, float],
    scheme: Scheme,
    side: Literal["left", "right"] = "left",
) -> go.Figure:
    """The figure with a dotted line across at each level, and above it what it is called.

    Choose the side of the words on which fewer curves pass.
    """
    muted = PALETTES[scheme].muted
    for name, level in levels.items():
        figure.add_hline(
            level,
            line={"color": muted, "dash": "dot", "width": LINE_WIDTH},
            annotation={
                "text": f"{name} {level:.2f}",
                "font": {"size": SMALL_TEXT_SIZE, "color": muted},
            },
            annotation_position=f"top {side}",
        )
    return figure


def logarithmic_ticks(values: np.ndarray) -> list[float]:
    """Powers of ten around these values, and 2 and 5 times these where few powers lie between.

    From the power below the least to beyond the largest; what is not finite and above 0 has no
    place on such an axis.
    """
    drawn = values[np.isfinite(values) & (values > 0)]
    if not drawn.size:
        return [1.0, 10.0]
    low, high = math.floor(math.log10(drawn.min())), math.ceil(math.log10(drawn.max()))
    factors = (1, 2, 5) if high - low <= 3 else (1,)
    return [factor * 10.0**power for power in range(low, high + 1) for factor in factors]


def plain_numbers(ticks: Sequence[float]) -> list[str]:
    """Ticks as people write them: 0.001, 20, 5,000."""
    return [f"{tick:,.10g}" for tick in ticks]
