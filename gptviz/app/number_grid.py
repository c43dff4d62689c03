"""A small table of signed numbers as coloured cells, each with its number in it."""

import math
from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from gptviz.app.theme import Scheme, check_labels, ink, layout, signed

CELL = (46, 40)  # pixels, wide and high: room for −0.000
LABELS = 56  # pixels for the labels of the rows
LEAST = 5e-4  # that three decimals show
LEAST_WITH_TWO = 1e-9  # of which a cell has room for two digits
TEXT = 13  # pixels, of a number
ABOVE = 66  # pixels for the title and the labels of the columns


def number_grid(
    values: np.ndarray,
    rows: Sequence[str],
    columns: Sequence[str],
    limit: float,
    title: str,
    scheme: Scheme,
) -> go.Figure:
    """Numbers (R, C) from −limit to limit, coloured by sign and size; NaN stays without a colour.

    Raises ValueError unless there is one label for each row and column, and a limit above 0.
    """
    check_labels(rows, values.shape[0], "rows")
    check_labels(columns, values.shape[1], "columns")
    y, x = (each.ravel() for each in np.indices(values.shape))
    flat = values.ravel()
    names = [f"{row}, {column}" for row in rows for column in columns]
    shares = np.clip(np.nan_to_num(flat) / limit, -1, 1) / 2 + 0.5
    cells = go.Heatmap(
        z=values.astype(np.float32), showscale=False, hoverinfo="skip", **signed(scheme, limit)
    )
    numbers = go.Scatter(
        x=x,
        y=y,
        mode="text",
        text=[written(value) for value in flat],
        textfont={"color": ink(scheme, shares, "diverging").tolist(), "size": TEXT},
        customdata=[f"{name}: {_exact(value)}" for name, value in zip(names, flat, strict=True)],
        hovertemplate="%{customdata}<extra></extra>",
    )
    ticks = {"tickmode": "array", "showgrid": False, "zeroline": False, "fixedrange": True}
    width, height = CELL
    return go.Figure(
        [cells, numbers],
        layout(
            scheme,
            title={"text": title},
            width=LABELS + 8 + max(4, len(columns)) * width,
            height=ABOVE + 12 + len(rows) * height,
            margin={"l": LABELS, "r": 8, "t": ABOVE, "b": 8},
            showlegend=False,
            xaxis={
                **ticks,
                "tickvals": list(range(len(columns))),
                "ticktext": list(columns),
                "side": "top",
            },
            yaxis={
                **ticks,
                "tickvals": list(range(len(rows))),
                "ticktext": list(rows),
                "autorange": "reversed",
            },
        ),
    )


def written(value: float) -> str:
    """A number in few signs, for a cell: 0, −0.872, 12.4, 3,210, 1.2e6, 2.5e−4; – for NaN."""
    if math.isnan(value):
        return "–"
    size = abs(value)
    if value == round(value) and size < 1000:
        text = f"{value + 0.0:.0f}"  # no −0
    elif size >= 1e5 or size < LEAST:
        digits, power = f"{value:.{1 if size > LEAST_WITH_TWO else 0}e}".split("e")
        text = f"{digits}e{int(power)}"
    else:
        text = f"{value:,.{3 if size < 10 else 1 if size < 1000 else 0}f}"
    return text.replace("-", "−")


def _exact(value: float) -> str:
    return "–" if math.isnan(value) else f"{value + 0.0:.6g}".replace("-", "−")
