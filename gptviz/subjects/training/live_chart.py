"""Line charts that share one axis of steps and grow while they are looked at.

The browser keeps what the reader has chosen (zoom, place, units), so new values change the
lines and nothing else.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import numpy as np
import streamlit as st

from gptviz.app import component
from gptviz.app.save import file_name

COMPONENT = component.register(__file__, '<div class="chart"></div>')


@dataclass(frozen=True, eq=False)
class Series:
    """One line: a name, values y at places x on the axis (finite, x rising), and how it looks."""

    name: str
    x: np.ndarray
    y: np.ndarray
    colour: str  # CSS
    look: Literal["line", "faint", "points", "ahead"] = "line"  # ahead: what is to come


@dataclass(frozen=True)
class Unit:
    """Another way to write a panel's values: y × factor, or e to y."""

    name: str
    factors: Sequence[float] = ()  # of each of its lines; 1 without them
    exponential: bool = False


@dataclass(frozen=True)
class Panel:
    """One chart: its lines, the units its values can be written in, and limits drawn across."""

    title: str
    series: Sequence[Series]
    units: Sequence[Unit]
    limits: dict[str, float] = field(default_factory=dict)  # by what they are called
    logarithmic: bool = False  # offers a logarithmic scale


def live_chart(panels: Sequence[Panel], *, key: str, alt: str, waits: str) -> None:
    """Draw the panels over the steps, the first one large.

    Dragging zooms all panels, a double click shows everything again, pointing at a place or the
    arrow keys read its values. alt says in words what is to be seen, waits what stands in place
    of the panels before the first value.
    """
    COMPONENT(
        key=key, data=packed(panels, alt, waits, file_name(key)), on_range_change=lambda: None
    )


def zoomed_to(key: str) -> tuple[float, float] | None:
    """The stretch that a chart shows, or None: who thins its lines can send more points of it."""
    zoom = (st.session_state.get(key) or {}).get("range")
    return (float(zoom[0]), float(zoom[1])) if zoom else None


def packed(panels: Sequence[Panel], alt: str = "", waits: str = "", file: str = "") -> bytes:
    """What the browser draws: a header, and float32 numbers.

    The numbers are the x and then the y of every line in the order of the
    panels; `points` in the header says how many. Raises ValueError if a line has not as many x
    as y.
    """
    described: list[dict[str, Any]] = []
    numbers: list[np.ndarray] = []
    for panel in panels:
        lines = []
        for line in panel.series:
            if line.x.shape != line.y.shape:
                raise ValueError(
                    f"{line.name} has {len(line.x)} places for {len(line.y)} values; give one each"
                )
            look = {"name": line.name, "colour": line.colour, "look": line.look}
            lines.append({**look, "points": len(line.x)})
            numbers += [line.x, line.y]
        described.append(
            {
                "title": panel.title,
                "series": lines,
                "units": [asdict(unit) for unit in panel.units],
                "limits": panel.limits,
                "logarithmic": panel.logarithmic,
            }
        )
    header = {"panels": described, "alt": alt, "waits": waits, "file": file}
    return component.pack(header, *(column.astype(np.float32) for column in numbers))
