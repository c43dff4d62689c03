"""Lines of several runs, heads or groups in one picture, told apart by more than colour."""

from typing import Any

import numpy as np

from gptviz.figures.theme import LINE_WIDTH, PALETTES, Scheme

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
