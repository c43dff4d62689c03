"""Line charts that share one axis of steps and grow while they are looked at.

The browser keeps what the reader has chosen (zoom, place, units), so new values change the
lines and nothing else.
"""

import json
import struct
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import streamlit as st

FOLDER = Path(__file__).parent
JS = ("live_chart_parts.js", "live_chart_panel.js", "live_chart.js")
COMPONENT = st.components.v2.component(
    "gptviz_live_chart",
    html='<div class="chart"></div>',
    css=(FOLDER / "live_chart.css").read_text(encoding="utf-8"),
    js="".join((FOLDER / name).read_text(encoding="utf-8") for name in JS),
)


@dataclass(frozen=True, eq=False)
class Series:
    """One line: a name, values y at places x on the axis (finite, x rising), and how it looks."""

    name: str
    x: np.ndarray
    y: np.ndarray
    colour: str  # CSS
    look: Literal["line", "faint", "points"] = "line"


@dataclass(frozen=True)
class Unit:
    """Another way to write a panel's values: y × factor, or e to that."""

    name: str
    factor: float = 1.0
    exponential: bool = False


@dataclass(frozen=True)
class Panel:
    """One chart: its lines, the units its values can be written in, and limits drawn across."""

    title: str
    series: Sequence[Series]
    units: Sequence[Unit]
    limits: dict[str, float] = field(default_factory=dict)  # by what they are called
    logarithmic: bool = False  # offers a logarithmic scale


def live_chart(panels: Sequence[Panel], *, key: str, alt: str) -> None:
    """Draw the panels over the steps, the first one large.

    Dragging zooms all panels, a double click shows everything again, pointing at a place or the
    arrow keys read its values. alt says in words what is to be seen.
    """
    COMPONENT(key=key, data=packed(panels, alt), on_range_change=lambda: None)


def zoomed_to(key: str) -> tuple[float, float] | None:
    """The stretch that a chart shows, or None: who thins its lines can send more points of it."""
    zoom = (st.session_state.get(key) or {}).get("range")
    return (float(zoom[0]), float(zoom[1])) if zoom else None


def packed(panels: Sequence[Panel], alt: str = "") -> bytes:
    """What the browser draws: the length of a JSON header as uint32, the header, float32 numbers.

    All little-endian. The numbers are the x and then the y of every line in the order of the
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
    header = {"panels": described, "alt": alt}
    text = json.dumps(header).encode()
    body = b"".join(column.astype("<f4").tobytes() for column in numbers)
    return struct.pack("<I", len(text)) + text + body
