"""Pictures of how something came about over the steps of a run; the chosen step is outlined."""

import html
from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from gptviz.app.theme import MONO, OUTLINE, PALETTES, Scheme, amounts, layout, outline, signed

COLUMNS = 5  # of a sheet
TILE, GAP, TITLE = 88, 12, 30  # pixels: a pattern, between two, and the room for its step
ROW = 30  # pixels
MOST_TICKS = 7


def pattern_sheet(
    patterns: np.ndarray, steps: Sequence[int], chosen: int, scheme: Scheme
) -> go.Figure:
    """Patterns (S, T, T) of one head side by side, one a step: row = query, column = key.

    Colours run from 0 to 1. Raises ValueError unless there is one step for each pattern.
    """
    n, T = _checked(patterns, steps), patterns.shape[-1]
    columns, rows = min(n, COLUMNS), -(-n // COLUMNS)
    across = _edges(columns, T, TILE, GAP)
    down = TITLE + _edges(rows, T, TILE, TITLE)
    board = np.full((len(down) - 1, len(across) - 1), np.nan, np.float32)
    which = np.zeros(board.shape, np.int32)
    figure = go.Figure()
    for i, (pattern, step) in enumerate(zip(patterns, steps, strict=True)):
        row, column = divmod(i, COLUMNS)
        tile = np.s_[row * (T + 1) : row * (T + 1) + T, column * (T + 1) : column * (T + 1) + T]
        board[tile], which[tile] = pattern, step
        left, top = column * (TILE + GAP), TITLE + row * (TILE + TITLE)
        mark = "▸ " if step == chosen else ""
        figure.add_annotation(
            x=left,
            y=top,
            text=f"<b>{mark}{step:,}</b>" if mark else f"{step:,}",
            showarrow=False,
            xanchor="left",
            yanchor="bottom",
        )
        line = {"color": PALETTES[scheme].grid, "width": 1}
        if step == chosen:
            line = {"color": PALETTES[scheme].accent, "width": OUTLINE}
        box = {"x0": left, "x1": left + TILE, "y0": top, "y1": top + TILE}
        figure.add_shape(type="rect", **box, line=line)
    figure.add_heatmap(
        z=board,
        x=across,
        y=down,
        customdata=which,
        hoverongaps=False,
        hovertemplate="step %{customdata:,}: weight %{z:.3f}<extra></extra>",
        showscale=False,
        **amounts(scheme),
    )
    width, height = across[-1] + OUTLINE, down[-1] + OUTLINE
    figure.update_layout(
        layout(scheme, width=width + OUTLINE, height=height, margin=dict.fromkeys("lrtb", 0))
    )
    figure.update_xaxes(visible=False, range=[-OUTLINE, width])
    figure.update_yaxes(visible=False, range=[height, 0])
    return figure


def likeliest_over_steps(
    probabilities: np.ndarray,
    tokens: Sequence[str],
    steps: Sequence[int],
    chosen: int,
    scheme: Scheme,
) -> go.Figure:
    """The probabilities (S, K) of some tokens, a row a token. Colours run from 0 to 1."""
    figure = _rows(probabilities, tokens, steps, chosen, scheme, "probability", amounts(scheme))
    figure.update_traces(colorbar={"tickformat": ".0%"}, hovertemplate=_hover("%{z:.2%}"))
    return figure


def cosines_over_steps(
    cosines: np.ndarray, tokens: Sequence[str], steps: Sequence[int], chosen: int, scheme: Scheme
) -> go.Figure:
    """The cosines (S, K) of some tokens with one, a row a token. Colours run from −1 to 1."""
    figure = _rows(cosines, tokens, steps, chosen, scheme, "cosine", signed(scheme, 1))
    figure.update_traces(hovertemplate=_hover("cosine %{z:.3f}"))
    return figure


def _rows(
    values: np.ndarray,
    tokens: Sequence[str],
    steps: Sequence[int],
    chosen: int,
    scheme: Scheme,
    what: str,
    colours: dict[str, Any],
) -> go.Figure:
    n, n_rows = _checked(values, steps), len(tokens)
    names = [html.escape(token, quote=False) for token in tokens]
    figure = go.Figure(
        go.Heatmap(
            z=values.T.astype(np.float32),
            customdata=[[(name, f"{step:,}") for step in steps] for name in names],
            colorbar={"title": {"text": what}, "thickness": 14},
            xgap=1,
            ygap=1,
            **colours,
        ),
        layout(scheme, height=n_rows * ROW + 90, margin={"t": 10, "b": 8}),
    )
    shown = np.unique(np.linspace(0, n - 1, min(n, MOST_TICKS)).round().astype(int)).tolist()
    at = list(steps).index(chosen)
    figure.add_shape(outline(scheme, (at - 0.5, at + 0.5), (-0.5, n_rows - 0.5)))
    ticks = {"tickvals": shown, "ticktext": [f"{steps[i]:,}" for i in shown], "tickangle": 0}
    figure.update_xaxes(
        **ticks, title="step", showgrid=False, zeroline=False, range=[-0.5, n - 0.5]
    )
    figure.update_yaxes(
        **{"tickvals": list(range(n_rows)), "ticktext": names, "tickfont": {"family": MONO}},
        **{"range": [n_rows - 0.5, -0.5], "showgrid": False, "zeroline": False},
    )
    return figure


def _hover(value: str) -> str:
    return f"%{{customdata[0]}}, step %{{customdata[1]}}: {value}<extra></extra>"


def _edges(count: int, cells: int, size: float, gap: float) -> np.ndarray:
    """Where the cells of `count` tiles begin and end, a wide cell for the gap between two."""
    starts = np.arange(count)[:, None] * (size + gap)
    return (starts + np.linspace(0, size, cells + 1)).ravel()


def _checked(values: np.ndarray, steps: Sequence[int]) -> int:
    if len(values) != len(steps):
        raise ValueError(f"{len(steps)} steps came for {len(values)} values; give one for each")
    return len(values)
