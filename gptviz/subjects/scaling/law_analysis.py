"""Power laws, y = floor + factor · x^−exponent, and how well a few models know the exponent."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

Law = Literal["line", "floor"]  # without a floor: a straight line on two logarithmic axes
Points = tuple[np.ndarray, np.ndarray]  # x and y, (N,) each, all above 0
Choose = Callable[[np.ndarray, np.ndarray], Points]
FEWEST: dict[Law, int] = {"line": 3, "floor": 4}  # models: one more than the law has numbers
SPARE = 2  # models more than these, without which draws would hardly differ
DRAWS = 1000
AT_ONCE = 50  # draws until the progress is told
MIDDLE = (2.5, 97.5)  # per cent: 95 of 100 draws lie between
LEAST, MOST = 0.01, 3.0  # exponents that are tried where there is a floor
TRIED, ZOOMED, ZOOMS = 120, 21, 5  # at first, then between the neighbours of the best


@dataclass(frozen=True)
class PowerLaw:
    """y = floor + factor · x^−exponent."""

    floor: float
    factor: float
    exponent: float

    def at(self, x: np.ndarray) -> np.ndarray:
        """What it says at each x, which is above 0."""
        return self.floor + self.factor * x**-self.exponent


def fit(x: np.ndarray, y: np.ndarray, law: Law, exponent: float | None = None) -> PowerLaw:
    """The law that lies nearest to some points by least squares.

    Without a floor distances are those of log y, else those of y, and the floor is not below 0.
    With an exponent, only the other numbers are sought. Raises ValueError for numbers that are
    not above 0, and for fewer unlike x than FEWEST.
    """
    if not ((x > 0) & (y > 0) & np.isfinite(x) & np.isfinite(y)).all():
        raise ValueError("a power law needs numbers above 0, and other numbers came")
    if (n := len(np.unique(x))) < FEWEST[law]:
        raise ValueError(
            f"{n} different sizes came, and this law needs {FEWEST[law]}; take more models"
        )
    centre = float(np.exp(np.log(x).mean()))  # around which the numbers stay small
    if law == "line":
        if exponent is None:
            exponent = -float(np.polyfit(np.log(x / centre), np.log(y), 1)[0])
        level = float(np.exp((np.log(y) + exponent * np.log(x / centre)).mean()))
        return PowerLaw(0.0, level * centre**exponent, exponent)
    exponent = _exponent(x / centre, y) if exponent is None else exponent
    floors, factors, _ = _at_exponents(x / centre, y, np.array([exponent]))
    return PowerLaw(float(floors[0]), float(factors[0]) * centre**exponent, exponent)


def all_of(x: np.ndarray, y: np.ndarray) -> Points:
    """All points as they are."""
    return x, y


def frontier(x: np.ndarray, y: np.ndarray) -> Points:
    """The points that no other beats with less: from left to right, none above one before."""
    order = np.lexsort((y, x))
    x, y = x[order], y[order]
    lowest_before = np.minimum.accumulate(np.append(np.inf, y))[:-1]
    return x[y <= lowest_before], y[y <= lowest_before]


def draws(
    x: np.ndarray,
    y: np.ndarray,
    model: np.ndarray,
    law: Law,
    choose: Choose = all_of,
    seed: int = 0,
    progress: Callable[[int, int], None] = lambda done, whole: None,
) -> np.ndarray:
    """The laws of models drawn at random: floor, factor and exponent of each draw, (draws, 3).

    model says of each point of which model it is. As many models as there are are drawn, each as
    often as it comes (Efron, 1979, Bootstrap Methods); choose takes the points that count from
    those of all that were drawn. Draws with too few different x for the law are left out, and with
    fewer than SPARE models more than the law needs there is none. progress is told now and then how
    many are drawn.
    """
    models = [model == i for i in np.unique(model)]
    if len(models) < FEWEST[law] + SPARE:
        return np.empty((0, 3))
    found = []
    every = np.random.default_rng(seed).integers(0, len(models), (DRAWS, len(models)))
    for i, drawn in enumerate(every):
        if i % AT_ONCE == 0:
            progress(i, DRAWS)
        at = np.concatenate([np.flatnonzero(models[i]) for i in drawn])
        chosen_x, chosen_y = choose(x[at], y[at])
        if len(np.unique(chosen_x)) >= FEWEST[law]:
            one = fit(chosen_x, chosen_y, law)
            found.append((one.floor, one.factor, one.exponent))
    return np.array(found).reshape(-1, 3)


def between(values: np.ndarray) -> tuple[float, float]:
    """Between what 95 of 100 values lie."""
    low, high = np.percentile(values, MIDDLE)
    return float(low), float(high)


def band(laws: np.ndarray, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Between what 95 of 100 of the laws of `draws` lie at each x, (N,) twice."""
    floors, factors, exponents = (column[:, None] for column in laws.T)
    low, high = np.percentile(floors + factors * x[None] ** -exponents, MIDDLE, axis=0)
    return low, high


def _exponent(x: np.ndarray, y: np.ndarray) -> float:
    tried = np.geomspace(LEAST, MOST, TRIED)
    for _ in range(ZOOMS):
        best = int(_at_exponents(x, y, tried)[2].argmin())
        around = tried[max(0, best - 1)], tried[min(len(tried) - 1, best + 1)]
        tried = np.linspace(*around, ZOOMED)
    return float(tried[_at_exponents(x, y, tried)[2].argmin()])


def _at_exponents(
    x: np.ndarray, y: np.ndarray, exponents: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Floor, factor and sum of squares with each exponent: a line over x^−exponent."""
    u = x ** -exponents[:, None]
    mean = u.mean(1, keepdims=True)
    factor = ((u - mean) * (y - y.mean())).sum(1) / ((u - mean) ** 2).sum(1)
    floor = y.mean() - factor * mean[:, 0]
    through_0 = (u * y).sum(1) / (u**2).sum(1)
    factor, floor = np.where(floor < 0, through_0, factor), np.maximum(floor, 0)
    return floor, factor, ((floor[:, None] + factor[:, None] * u - y) ** 2).sum(1)
