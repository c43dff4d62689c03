"""Pictures of vectors that are alike or not: every cosine on one scale from −1 to 1."""

import html
from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from gptviz.app.theme import (
    LABELLED_TOKENS,
    LEGEND_ABOVE,
    LINE_WIDTH,
    MONO,
    PALETTES,
    Scheme,
    check_labels,
    cut,
    layout,
    outline,
    signed,
    token_ticks,
)

BAR_PITCH = 24  # pixels from bar to bar
LONGEST_LABEL = 38  # characters beside a bar, which is to have room, too; its hover has all
HIGHEST_ROW, ROWS = 32, 250  # pixels: of one token's row, and of all if few
NARROWEST = 560  # pixels for the columns: where their labels need more, they stand upright
NUMBERED = 16  # tokens: up to here each cell has room for its number
COSINE_BAR = {"title": {"text": "cosine"}, "thickness": 16, "tickvals": [-1, -0.5, 0, 0.5, 1]}
# How the columns of `context_analysis.drift_table` are called.
DRIFTS = {
    "first_with_embedding": "your text, with the token's embedding",
    "second_with_embedding": "second text, with the token's embedding",
    "first_with_second": "your text with the second text",
    "first_with_other_tokens": "your text with other tokens of the second (mean)",
}


def similarity_heatmap(
    cosines: np.ndarray, tokens: Sequence[str], scheme: Scheme, chosen: int | None = None
) -> go.Figure:
    """The cosine of every token's vector with every other's, (T, T); nan stays blank.

    The row and column of `chosen` are outlined. Raises ValueError unless there is one token for
    each row and column.
    """
    for size in cosines.shape:
        check_labels(tokens, size, "rows and columns")
    ticks = token_ticks(tokens)
    T = len(tokens)
    lowest = ticks.axis["tickfont"]["size"] + 3  # or one label would lie on the next
    side = min(T * min(HIGHEST_ROW, max(lowest, ROWS / T)), LABELLED_TOKENS * lowest)
    upright = T * ticks.room > NARROWEST
    room = (ticks.room if upright else 40) + (30 if ticks.note else 0)
    outlines = []
    if chosen is not None:
        whole, one = (-0.5, T - 0.5), (chosen - 0.5, chosen + 0.5)
        outlines = [outline(scheme, whole, one), outline(scheme, one, whole)]
    return go.Figure(
        go.Heatmap(
            z=cosines.astype(np.float32),
            x=ticks.labels,
            y=ticks.labels,
            hovertemplate="%{y}<br>%{x}<br>cosine %{z:.3f}<extra></extra>",
            hoverongaps=False,
            texttemplate="%{z:.2f}" if T <= NUMBERED else "",
            colorbar={**COSINE_BAR, "len": max(120, min(side, 320)), "lenmode": "pixels"},
            **signed(scheme, 1),
        ),
        layout(
            scheme,
            height=room + side + 20,
            margin={"t": 10, "b": 10},
            xaxis={
                **ticks.axis,
                "side": "top",
                "tickangle": -90 if upright else None,
                "title": ticks.note or None,
            },
            yaxis={**ticks.axis, "autorange": "reversed"},
            shapes=outlines,
        ),
    )


def cosine_bars(
    labels: Sequence[str],
    cosines: np.ndarray,
    hover: Sequence[str],
    faint: Sequence[bool],
    scheme: Scheme,
) -> go.Figure:
    """One bar a row, from 0 to its cosine, on an axis from −1 to 1; `faint` ones are hatched.

    A row shows its number; `hover` is what it says when pointed at. Raises ValueError unless
    there is one label, hover text and mark for each cosine.
    """
    for given in (labels, hover, faint):
        check_labels([str(one) for one in given], len(cosines), "bars")
    colours = PALETTES[scheme]
    return go.Figure(
        go.Bar(
            x=cosines.astype(np.float32),
            y=list(range(len(labels))),
            orientation="h",
            marker={
                "color": np.where(cosines < 0, colours.diverging[1], colours.diverging[-2]),
                "pattern": {"shape": np.where(faint, "/", ""), "fgcolor": colours.background},
            },
            text=[f"{cosine:.2f}" for cosine in cosines],
            textposition="outside",
            cliponaxis=False,
            customdata=[html.escape(words, quote=False) for words in hover],
            hovertemplate="%{customdata}<br>cosine %{x:.3f}<extra></extra>",
        ),
        layout(
            scheme,
            height=len(labels) * BAR_PITCH + 70,
            bargap=0.25,
            margin={"t": 10, "r": 50},  # a number beside the longest bar stands there
            xaxis={
                "range": [-1.08, 1.08],
                "tickvals": COSINE_BAR["tickvals"],
                "tickangle": 0,
                "title": "cosine",
            },
            yaxis={
                "tickvals": list(range(len(labels))),
                "ticktext": [
                    html.escape(cut(label, LONGEST_LABEL), quote=False) for label in labels
                ],
                "tickfont": {"family": MONO},
                "range": [len(labels) - 0.5, -0.5],
                "showgrid": False,
                "zeroline": False,
            },
        ),
    )


def position_heatmaps(
    learned: np.ndarray, sinusoidal: np.ndarray, positions: Sequence[int], scheme: Scheme
) -> go.Figure:
    """The cosines of position vectors with each other, (N, N) each, side by side on one scale.

    Raises ValueError unless there is one position for each row and column.
    """
    titles = ("this model's (wpe)", "sinusoidal")
    figure = make_subplots(cols=2, subplot_titles=titles, horizontal_spacing=0.08)
    for column, cosines in enumerate((learned, sinusoidal), start=1):
        for size in cosines.shape:
            check_labels([str(position) for position in positions], size, "rows and columns")
        picture = go.Heatmap(
            z=cosines.astype(np.float32),
            x=np.array(positions),
            y=np.array(positions),
            hovertemplate="positions %{y} and %{x}<br>cosine %{z:.3f}<extra></extra>",
            hoverongaps=False,
            showscale=column == 2,
            colorbar=COSINE_BAR,
            **signed(scheme, 1),
        )
        figure.add_trace(picture, row=1, col=column)
        anchor = "x" if column == 1 else "x2"
        figure.update_xaxes(title="position", showgrid=False, constrain="domain", col=column)
        figure.update_yaxes(
            autorange="reversed",
            scaleanchor=anchor,
            constrain="domain",
            constraintoward="top",
            showgrid=False,
            col=column,
        )
    figure.update_yaxes(title="position", col=1)
    return figure.update_layout(layout(scheme, height=440))


def drift_lines(stages: Sequence[str], lines: dict[str, np.ndarray], scheme: Scheme) -> go.Figure:
    """Cosines stage by stage, one line for each name, unlike in colour, dash and marker.

    Raises ValueError unless there is one stage for each number.
    """
    colours = PALETTES[scheme]
    looks = (
        (colours.sequential[3], "solid", "circle"),
        (colours.accent, "dash", "square"),
        (colours.text, "dot", "diamond"),
        (colours.muted, "longdash", "x"),
    )
    traces = []
    for (name, cosines), (colour, dash, symbol) in zip(lines.items(), looks, strict=False):
        check_labels(stages, len(cosines), "stages")
        line = go.Scatter(
            x=list(stages),
            y=cosines.astype(np.float32),
            name=html.escape(name, quote=False),
            mode="lines+markers",
            line={"color": colour, "dash": dash, "width": LINE_WIDTH + 1},
            marker={"symbol": symbol, "size": 10},
            hovertemplate="%{x}: cosine %{y:.3f}<extra>%{fullData.name}</extra>",
        )
        traces.append(line)
    ticks = COSINE_BAR["tickvals"]
    return go.Figure(
        traces,
        layout(
            scheme,
            height=360,
            legend=LEGEND_ABOVE,
            xaxis={"title": "where the vector is read", "type": "category"},
            yaxis={"title": "cosine", "range": [-1.05, 1.05], "tickvals": ticks},
        ),
    )
