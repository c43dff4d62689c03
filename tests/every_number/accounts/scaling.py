"""The page Scaling: the shipped losses over sizes, beside numpy's and scipy's own lines."""

import json
from functools import partial
from pathlib import Path

import numpy as np
from scipy.optimize import curve_fit

from accounts.common import Models, Read
from accounts.shown import Page

SHIPPED = Path(__file__).parents[3] / "gptviz" / "subjects" / "scaling" / "ready.json"
Law = tuple[float, float, float]  # floor, factor, exponent
KAPLAN, HOFFMANN, FLOOR = 0.076, 0.34, 1.69
PLACES, BEYOND, DRAWS = 60, 1.6, 1000


def ends() -> tuple[list[str], np.ndarray, np.ndarray]:
    """Each model's name, its parameters without embeddings and its last loss."""
    read = json.loads(SHIPPED.read_text(encoding="utf-8"))["courses"]
    columns = ("model", "parameters without embeddings", "val_loss", "step", "steps")
    rows = [row for row in zip(*(read[name] for name in columns), strict=True) if row[3] == row[4]]
    names, sizes, losses, *_ = zip(*rows, strict=True)
    return list(names), np.array(sizes, float), np.array(losses)


def line(x: np.ndarray, y: np.ndarray) -> tuple[float, float, float]:
    """Floor, factor and exponent of the straight line."""
    slope, height = np.polyfit(np.log(x), np.log(y), 1)
    return 0.0, float(np.exp(height)), -float(slope)


def with_floor(x: np.ndarray, y: np.ndarray) -> Law:
    """The same of the curve with a floor, in units of the middle, where numbers stay small."""
    middle = np.exp(np.log(x).mean())

    def curve(u: np.ndarray, floor: float, factor: float, exponent: float) -> np.ndarray:
        return floor + factor * u**-exponent

    bounds = ([0, 0, LEAST], [9, 9, 3])
    (floor, factor, exponent), _ = curve_fit(curve, x / middle, y, (1.5, 0.3, 0.4), bounds=bounds)
    return floor, factor * middle**exponent, exponent


def drawn(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """The lines of models drawn again and again, with seed 0."""
    draws = np.random.default_rng(0).integers(0, len(x), (DRAWS, len(x)))
    return np.array([line(x[at], y[at]) for at in draws if len(set(at.tolist())) >= 3])


def at(law: Law | np.ndarray, x: np.ndarray) -> np.ndarray:
    """What laws say at each x."""
    floor, factor, exponent = np.asarray(law).T[..., None]
    return floor + factor * x**-exponent


def curve(number: int, x: np.ndarray, law: Law, words: str) -> dict:
    """A line of the picture, and what its legend says."""
    return {
        f"loss_by_size.{number}.name": [(words, law[2]) if "2" in words else (law[2],)],
        f"loss_by_size.{number}.x": x,
        f"loss_by_size.{number}.y": at(law, x),
    }


def picture(first: int, law: Law, theirs: Law, whose: str) -> dict:
    """The points, both curves and the table of the numbers; first is the first curve's number."""
    names, sizes, losses = ends()
    x = np.geomspace(sizes[0] / BEYOND, sizes[-1] * BEYOND, PLACES)
    points = f"loss_by_size.{first + 2}"
    return {
        **curve(first, x, law, "nearest law"),
        **curve(first + 1, x, theirs, f"nearest with that of {whose},"),
        f"{points}.text": names,
        f"{points}.x": sizes,
        f"{points}.y": losses,
        "loss_by_size_table.model": names,
        "loss_by_size_table.parameters without embeddings": sizes,
        "loss_by_size_table.val_loss": losses,
        "loss_by_size_table.law": at(law, sizes),
    }


VIEWS: dict = {}
