"""An exercise with a calculator: steps, the numbers that each is given, and what passes as right.

Whoever calculates sees rounded numbers only, so a step's answer is made from those, and the answer
of one step, rounded in its turn, is what the next one is given. What the model itself has, which
rounds nothing, lies so near that it passes as well.
"""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from torch import Tensor

CLOSE_ENOUGH = 0.01  # as a part of the answer: three digits are always enough
NEAR = 0.05  # so far off is no other mistake than rounding too early
DECIMALS, DIGITS = 3, 4  # a number is shown with so many decimals, or with so many digits
MOST_DECIMALS = 12

Verdict = Literal["right", "near", "sign", "ten times", "wrong"]


@dataclass(frozen=True)
class Step:
    """One result to find."""

    name: str
    given: Mapping[str, str]  # the numbers and words of its question, as they are written
    answer: float  # what comes out of these numbers
    own: float  # what the model has in its place
    floor: float = 0.0  # how far off passes where the answer is close to 0
    decimals: int | None = None  # with which it is shown; as `written` chooses unless given

    @property
    def shown(self) -> str:
        """The answer, as it is written when it was found."""
        return written(self.answer, self.decimals)


@dataclass(frozen=True, eq=False)
class Exercise:
    """A number of this run, and the steps that lead to it."""

    name: str
    tensor: str  # the number's name in the code
    about: Mapping[str, str]  # the words and numbers of its introduction
    steps: tuple[Step, ...]
    given: pd.DataFrame | None = None  # a table of numbers to begin with, as they are written


def table_of(exercise: Exercise) -> pd.DataFrame:
    """A row a step: step, answer (from the rounded numbers), model (what it has itself)."""
    rows = [
        (step.name, round_as_shown(step.answer, step.decimals), step.own) for step in exercise.steps
    ]
    return pd.DataFrame(rows, columns=["step", "answer", "model"])


def written(number: float, decimals: int | None = None) -> str:
    """A number as it is shown: with three decimals, or more where it needs them for four digits.

    Raises ValueError for NaN and infinity.
    """
    _require_number(number)
    decimals = decimals_of(number) if decimals is None else decimals
    text = f"{number:.{decimals}f}"
    is_zero = not text.strip("-0.")
    return text.removeprefix("-") if is_zero else text.replace("-", "−")


def bracketed(number: str) -> str:
    """A written number as it stands behind an operator: in brackets if it is negative."""
    return f"({number})" if number.startswith("−") else number


def added_up(numbers: Sequence[float]) -> str:
    """A sum of numbers as it is written: 1.250 + 0.300 − 2.000."""
    text = " + ".join(map(written, numbers))
    return text.replace("+ −", "− ")


def decimals_of(number: float) -> int:
    """How many decimals a number is shown with. Raises ValueError as `written` does."""
    _require_number(number)
    if number == 0:
        return DECIMALS
    needed = DIGITS - 1 - math.floor(math.log10(abs(number)))
    return min(max(needed, DECIMALS), MOST_DECIMALS)


def round_as_shown(number: float, decimals: int | None = None) -> float:
    """The number that stands on the screen."""
    return float(written(number, decimals).replace("−", "-"))


def typed_number(text: str) -> float | None:
    """A typed number, with a decimal point or comma, perhaps in per cent; None if it is none."""
    plain = re.sub(r"\s", "", text).replace("−", "-").replace("–", "-").replace(",", ".")
    found = re.fullmatch(
        r"([+-]?(?:\d{1,15}\.?\d{0,30}|\.\d{1,30})(?:[eE][+-]?\d{1,2})?)(%?)", plain, re.ASCII
    )
    return None if found is None else float(found[1]) / (100 if found[2] else 1)


def verdict(step: Step, number: float) -> Verdict:
    """What to say of an answer: right, or the likeliest mistake."""

    def near(result: float) -> bool:
        return abs(number - result) <= max(CLOSE_ENOUGH * abs(result), step.floor)

    if near(step.answer):
        return "right"
    if near(-step.answer):
        return "sign"
    if near(10 * step.answer) or near(step.answer / 10):
        return "ten times"
    return "near" if abs(number - step.answer) <= NEAR * abs(step.answer) else "wrong"


def _require_number(number: float) -> None:
    if not math.isfinite(number):
        raise ValueError(
            "not everything that this model computes from this text is a number (NaN), so there "
            "is nothing to calculate; choose another model"
        )


def drawn(seed: int, values: Tensor, least: float) -> int:
    """The place of one of the values that reach the least, or else of the largest."""
    candidates = (values >= least).nonzero().ravel().tolist() or [int(values.argmax())]
    return int(np.random.default_rng(seed).choice(candidates))
