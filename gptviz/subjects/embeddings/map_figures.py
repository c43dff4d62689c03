"""A map of tokens in two or three dimensions: the prompt's stand out, the rest are a backdrop."""

import html
from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from gptviz.app.theme import (
    LABELLED_TOKENS,
    MONO,
    PALETTES,
    SMALL_TEXT_SIZE,
    TEXT_SIZE,
    Palette,
    Scheme,
    check_labels,
    layout,
)

HEIGHT = 500  # pixels
# What labels are laid out for: the plot on a small screen. On a wider one they have more room.
PLOT = np.array([600, 400])  # pixels
DOT = 8  # pixels around a point
# Where a label may stand: its centre from its point, in label widths and heights.
PLACES = {
    "top center": (0.0, 0.9),
    "bottom center": (0.0, -0.9),
    "middle right": (0.58, 0.0),
    "middle left": (-0.58, 0.0),
    "top right": (0.55, 0.7),
    "top left": (-0.55, 0.7),
    "bottom right": (0.55, -0.7),
    "bottom left": (-0.55, -0.7),
}


def token_map(
    points: np.ndarray,
    tokens: Sequence[str],
    hover: Sequence[str],
    n_prompt: int,
    faint: Sequence[bool],
    axes: Sequence[str],
    scheme: Scheme,
) -> go.Figure:
    """Tokens at their points (N, 2) or (N, 3); the first n_prompt are the prompt's.

    The prompt's tokens are large. In two dimensions a token is named where there is room, the
    prompt's first; in three, the prompt's are, up to 64. All say who they are when pointed at.
    `faint` ones are hollow.
    `axes` names each axis. Raises ValueError unless there is one of each for each point.
    """
    n, n_axes = points.shape
    for given in (tokens, hover, faint):
        check_labels([str(one) for one in given], n, "points")
    check_labels(axes, n_axes, "axes")
    colours = PALETTES[scheme]
    labels = [html.escape(token, quote=False) for token in tokens]
    places, frame = (
        label_places(points, tokens, n_prompt) if n_axes == 2 else (_prompt_only(n, n_prompt), None)
    )
    figure = go.Figure(layout=layout(scheme, height=HEIGHT, showlegend=True))
    for prompt, name in ((False, "backdrop"), (True, "tokens of your text")):
        chosen = slice(None, n_prompt) if prompt else slice(n_prompt, None)
        if len(points[chosen]) == 0:
            continue
        shown = {
            "name": name,
            "mode": "markers+text",
            "text": [
                label if place else ""
                for label, place in zip(labels[chosen], places[chosen], strict=True)
            ],
            "textposition": [place or "top center" for place in places[chosen]],
            "textfont": _font(colours, prompt),
            "marker": _marker(colours, prompt, np.array(faint[chosen], dtype=bool), n_axes),
            "customdata": [html.escape(words, quote=False) for words in hover[chosen]],
            "hovertemplate": "%{customdata}<extra></extra>",
        }
        columns = dict(zip("xyz", points[chosen].T.astype(np.float32), strict=False))
        figure.add_trace(
            go.Scatter(**columns, **shown) if n_axes == 2 else go.Scatter3d(**columns, **shown)
        )
    if frame is not None:
        bare = {"showticklabels": False, "zeroline": False}
        figure.update_xaxes(title=axes[0], range=frame[:, 0], **bare)
        figure.update_yaxes(title=axes[1], range=frame[:, 1], scaleanchor="x", scaleratio=1, **bare)
    else:
        plain = {"showticklabels": False, "showbackground": False, "gridcolor": colours.grid}
        scene: dict[str, object] = {
            f"{axis}axis": {"title": axes[i], **plain} for i, axis in enumerate("xyz")
        }
        camera = {"eye": {"x": 1.5, "y": 1.5, "z": 0.9}, "center": {"x": 0, "y": 0, "z": -0.15}}
        scene.update(aspectmode="data", camera=camera)
        figure.update_layout(scene=scene, margin={"b": 0, "t": 30})
    legend = {"orientation": "h", "y": 1.0, "yanchor": "bottom", "x": 0, "traceorder": "reversed"}
    return figure.update_layout(
        legend={**legend, "itemsizing": "constant"}, dragmode="pan" if n_axes == 2 else "orbit"
    )


def label_places(
    points: np.ndarray, tokens: Sequence[str], n_prompt: int
) -> tuple[list[str], np.ndarray]:
    """Where each token's label stands beside its point (N, 2), "" for those that find no room.

    In the order given, each takes the first place where it covers no label before it. With them
    comes the frame that holds all points and labels, (2, 2): its lower left and upper right.
    """
    halves = np.array(
        [
            (0.31 * len(token) * size + 3, 0.6 * size)
            for i, token in enumerate(tokens)
            for size in (TEXT_SIZE if i < n_prompt else SMALL_TEXT_SIZE,)
        ]
    )
    extent = np.maximum(points.max(0) - points.min(0), 1e-9)
    # The plot holds the points and, on either side, the labels of the outermost ones.
    scale = min((PLOT - 2 * halves.max(0)).clip(PLOT / 4) / extent)
    at = points * scale
    taken = np.empty((0, 4))
    places = []
    for point, half in zip(at, halves, strict=True):
        place, box = _free(point, half, taken)
        if box is not None:
            taken = np.vstack((taken, box))
        places.append(place)
    low = np.vstack((at - DOT, taken[:, :2])).min(0)
    high = np.vstack((at + DOT, taken[:, 2:])).max(0)
    return places, np.stack((low, high)) / scale


def _free(at: np.ndarray, half: np.ndarray, taken: np.ndarray) -> tuple[str, np.ndarray | None]:
    for place, offset in PLACES.items():
        centre = at + np.array(offset) * 2 * half
        box = np.concatenate((centre - half, centre + half))
        overlaps = (
            (taken[:, 0] < box[2])
            & (box[0] < taken[:, 2])
            & (taken[:, 1] < box[3])
            & (box[1] < taken[:, 3])
        )
        if not overlaps.any():
            return place, box
    return "", None


def _prompt_only(n: int, n_prompt: int) -> list[str]:
    named = min(n_prompt, LABELLED_TOKENS)
    return ["top center"] * named + [""] * (n - named)


def _font(colours: Palette, prompt: bool) -> dict[str, object]:
    if prompt:
        return {"family": MONO, "size": TEXT_SIZE, "color": colours.accent}
    return {"family": MONO, "size": SMALL_TEXT_SIZE, "color": colours.muted}


def _marker(colours: Palette, prompt: bool, faint: np.ndarray, n_axes: int) -> dict[str, object]:
    colour = colours.accent if prompt else colours.sequential[3]
    line = {"color": colour, "width": 1}
    return {
        "color": colour,
        "size": (9 if prompt else 4) if n_axes == 2 else (6 if prompt else 2),
        "symbol": np.where(faint, "circle-open", "circle"),
        "line": line,
    }
