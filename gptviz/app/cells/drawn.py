"""What the script of a board of cells gets: its words, its numbers and their colours."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np

from gptviz.app.bundle import pack
from gptviz.app.theme import Scale, Scheme, check_labels, colour_table, ink


@dataclass(frozen=True)
class Colours:
    """How values become colours: the ends of the scale, and what is written at them."""

    low: float
    high: float
    low_says: str
    high_says: str
    scale: Scale = "sequential"  # "diverging" for signed values, with low = −high


@dataclass(frozen=True)
class Labels:
    """The words of a board: its rows, its columns, and what is told of a cell."""

    rows: Sequence[str]
    columns: Sequence[str]  # "3 ·love": the first word stands small above the rest
    hover: str  # with {row}, {column}, {text} and {value} for those of the cell
    alt: str


@dataclass(frozen=True)
class Leads:
    """The page that a click leads to, once a link to it says which row and column was chosen."""

    page: str
    row_key: str
    column_key: str


def packed(
    values: np.ndarray,
    texts: Sequence[str],
    labels: Labels,
    colours: Colours,
    scheme: Scheme,
    *,
    chosen: tuple[int, int] | None = None,
    leads: Leads | None = None,
    file: str = "",
) -> bytes:
    """Values (R, C) for board.js: a header, the values as float32, 256 colours, where each lies.

    Without texts the values stand in the cells. Raises ValueError unless there is a label for each
    row and column.
    """
    check_labels(labels.rows, values.shape[0], "rows")
    check_labels(labels.columns, values.shape[1], "columns")

    header = {
        "rows": list(labels.rows),
        "columns": list(labels.columns),
        "hover": labels.hover,
        "alt": labels.alt,
        "texts": list(texts),
        "chosen": chosen,
        "ends": [colours.low_says, colours.high_says],
        "leads": asdict(leads) if leads else None,
        "file": file,
    }
    levels = (np.nan_to_num(places(values, colours)) * 255).round().astype(np.uint8)
    table = colour_table(scheme, colours.scale)
    is_dark = ink(scheme, np.linspace(0, 1, 256), colours.scale) == "#ffffff"
    return pack(header, values.astype(np.float32), table, is_dark, levels)


def places(values: np.ndarray, colours: Colours) -> np.ndarray:
    """Where values lie on a scale, from 0 to 1."""
    return np.clip((values - colours.low) / (colours.high - colours.low), 0, 1)
