"""One of several ways to compute the same training step, which differ in time and rounding."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self, cast, get_args

import torch

from gptviz.model import Attention


@dataclass(frozen=True)
class Way:
    """How a step computes what it computes."""

    dtype: torch.dtype  # of the large products
    attention: Attention
    chunk: int | None  # tokens whose softmax is computed at once; None: as is usual

    def __str__(self) -> str:
        chunk = f", the loss of {self.chunk} tokens at once" if self.chunk else ""
        return f"{self.precision} with {self.attention} attention{chunk}"

    @property
    def precision(self) -> str:
        """Its type in a word."""
        return str(self.dtype).removeprefix("torch.")

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {"dtype": self.precision, "attention": self.attention, "chunk": self.chunk}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self | None:
        """What to_dict gave, or None if it is something else."""
        dtype, attention, chunk = (values.get(name) for name in ("dtype", "attention", "chunk"))
        known = dtype in ("float32", "bfloat16", "float16") and attention in get_args(Attention)
        if not known or not (chunk is None or (isinstance(chunk, int) and chunk > 0)):
            return None
        return cls(getattr(torch, str(dtype)), cast(Attention, attention), chunk)


@dataclass(frozen=True)
class Trial:
    """What a way took before the first step of a run."""

    way: Way
    seconds: float  # of the forward and backward pass of some windows
    windows: int

    def __str__(self) -> str:
        return f"{_milliseconds(self)} in {self.way}"

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {**self.way.to_dict(), "seconds": self.seconds, "windows": self.windows}


def of_run(status: Mapping[str, Any]) -> tuple[Way | None, list[Trial]]:
    """How a run computes, and what was tried before, by its status; nothing it does not say."""
    device = status.get("device", "")
    way = Way.from_dict(status.get("ways", {}).get(device, {}))
    told = status.get("trials", {}).get(device, [])
    return way, [trial for values in told if (trial := _trial(values))]


def in_words(status: Mapping[str, Any]) -> str:
    """How a run computes, and what that took beside what else was tried; "" if unknown."""
    way, tried = of_run(status)
    if way is None:
        return ""
    threads = status.get("threads")
    words = f"It computes in {way}"
    if threads:
        words += f", on {threads} thread{'s' if threads > 1 else ''}"
    taken = next((trial for trial in tried if trial.way == way), None)
    if taken is None or len(tried) == 1:
        return f"{words}."
    windows = f"{taken.windows} window{'s' if taken.windows > 1 else ''}"
    other = min((t for t in tried if t.way.dtype != way.dtype), key=_seconds, default=None)
    beside = f", and {_milliseconds(other)} in {other.way.precision}" if other else ""
    return (
        f"{words}. Tried before its first step, {windows} forward and back took "
        f"{_milliseconds(taken)} like this{beside}; none of {len(tried)} ways was a tenth quicker."
    )


def _seconds(trial: Trial) -> float:
    return trial.seconds


def _milliseconds(trial: Trial) -> str:
    """With three digits, as people write them: 0.512 ms, 12.3 ms, 2,350 ms."""
    return f"{float(f'{1000 * trial.seconds:.3g}'):,.10g} ms"


def _trial(values: Any) -> Trial | None:
    way = Way.from_dict(values) if isinstance(values, dict) else None
    seconds, windows = (values.get(name) for name in ("seconds", "windows")) if way else (0, 0)
    known = isinstance(seconds, int | float) and 0 < seconds < math.inf
    return Trial(way, seconds, windows) if way and known and isinstance(windows, int) else None
