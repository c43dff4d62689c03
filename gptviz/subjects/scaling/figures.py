"""Pictures of losses over sizes and over compute, with the law that lies nearest to them."""

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from gptviz.app.lines import logarithmic_ticks, look, small
from gptviz.app.powers import raised
from gptviz.app.theme import LEGEND_ABOVE, LINE_WIDTH, PALETTES, Scheme, layout
from gptviz.subjects.scaling.analysis import Found
from gptviz.subjects.scaling.law_analysis import PowerLaw, band

HEIGHT = 400
LONGEST = 1e8  # larger numbers are written as powers
DRAWN = 60  # places of a law's line
BEYOND = 1.6  # as many times larger and smaller than the points, a law is drawn
TICKS = (0.05, 0.1, 0.2, 0.5, 1.0, 2.0)  # between two losses on the axis, so that there are
MOST_TICKS = 8  # of them at most


def by_size(
    found: Found, laws: np.ndarray, theirs: PowerLaw | None, whose: str, scheme: Scheme
) -> go.Figure:
    """Last losses over sizes, both axes logarithmic; laws are those of `law_analysis.draws`.

    theirs is the nearest law with a published exponent, and whose says where.
    """
    points = found.points
    marks = go.Scatter(
        x=points[found.x],
        y=small(points["val_loss"].to_numpy()),
        name="layers × width",
        mode="markers+text",
        text=points["model"],
        # The law falls: above it there is room to the right, and below it to the left.
        textposition=[
            "top right" if i < len(points) / 2 else "bottom left" for i in range(len(points))
        ],
        marker={"size": 12, "color": PALETTES[scheme].accent},
        cliponaxis=False,
        hovertemplate=f"%{{text}}<br>%{{x:,.0f}} {found.x}<br>loss %{{y:.3f}}<extra></extra>",
    )
    return _figure([*_lines(found, laws, theirs, whose, scheme), marks], found, points, scheme)


def by_compute(
    courses: pd.DataFrame,
    found: Found,
    laws: np.ndarray,
    theirs: PowerLaw | None,
    whose: str,
    scheme: Scheme,
) -> go.Figure:
    """The course of each model over its compute, and the lowest points; as `by_size` otherwise."""
    lines = [
        go.Scatter(
            x=rows[found.x],
            y=small(rows["val_loss"].to_numpy()),
            name=name,
            mode="lines+text",
            text=[*[""] * (len(rows) - 1), name],  # where it ends
            textposition="bottom left",
            cliponaxis=False,
            showlegend=False,
            line=look(i, scheme) | {"width": 1.5},
            hovertemplate=f"{name}<br>%{{x:.2e}} FLOPs<br>loss %{{y:.3f}}<extra></extra>",
        )
        for i, (name, rows) in enumerate(courses.groupby("model", sort=False))
    ]
    points = found.points
    lowest = go.Scatter(
        x=points[found.x],
        y=small(points["val_loss"].to_numpy()),
        name="the lowest",
        mode="markers",
        text=points["model"],
        marker={"size": 9, "color": PALETTES[scheme].accent},
        hovertemplate="%{text}<br>%{x:.2e} FLOPs<br>loss %{y:.3f}, the lowest<extra></extra>",
    )
    return _figure(
        [*lines, *_lines(found, laws, theirs, whose, scheme), lowest], found, courses, scheme
    )


def _lines(
    found: Found, laws: np.ndarray, theirs: PowerLaw | None, whose: str, scheme: Scheme
) -> list[go.Scatter]:
    if found.law is None:
        return []
    colours = PALETTES[scheme]
    sizes = found.points[found.x]
    x = np.geomspace(sizes.min() / BEYOND, sizes.max() * BEYOND, DRAWN)
    drawn = []
    if len(laws):
        low, high = band(laws, x)
        drawn.append(
            go.Scatter(
                x=np.concatenate([x, x[::-1]]),
                y=small(np.concatenate([high, low[::-1]])),
                name="95 of 100 draws",
                fill="toself",
                mode="none",
                fillcolor=colours.mark,
                opacity=0.25,
                hoverinfo="skip",
            )
        )
    own = (found.law, "exponent", colours.text, "solid")
    with_theirs = (theirs, whose, colours.mlp, "dash")
    for law, words, colour, dash in (own, with_theirs):
        if law:
            name = f"{words} {law.exponent:.3f}"
            drawn.append(
                go.Scatter(
                    x=x,
                    y=small(law.at(x)),
                    name=name,
                    mode="lines",
                    line={"color": colour, "width": LINE_WIDTH, "dash": dash},
                    hovertemplate=f"{name}<br>%{{x:,.3g}}: %{{y:.3f}}<extra></extra>",
                )
            )
    return drawn


def _figure(
    traces: list[go.Scatter], found: Found, table: pd.DataFrame, scheme: Scheme
) -> go.Figure:
    losses = table["val_loss"].to_numpy()
    low, high = float(losses.min()), float(np.quantile(losses, 0.95))
    step = next((step for step in TICKS if (high - low) / step <= MOST_TICKS), TICKS[-1])
    heights = np.arange(np.floor(low / step), np.ceil(high / step) + 1) * step
    ticks = logarithmic_ticks(table[found.x].to_numpy(float))
    return go.Figure(
        traces,
        layout(
            scheme,
            height=HEIGHT,
            legend=LEGEND_ABOVE,
            xaxis={
                "type": "log",
                "title": found.x,
                "tickvals": ticks,
                "ticktext": [_written(tick) for tick in ticks],
            },
            yaxis={
                "type": "log",
                "title": "validation loss, nats a token",
                "tickvals": heights,
                "ticktext": [f"{value:.10g}" for value in heights],
                "range": np.log10([low * 0.96, high * 1.05]).tolist(),
            },
        ),
    )


def _written(tick: float) -> str:
    if tick < LONGEST:
        return f"{tick:,.0f}"
    digit, power = f"{tick:.0e}".split("e")
    return f"10{raised(int(power))}" if digit == "1" else f"{digit} · 10{raised(int(power))}"
