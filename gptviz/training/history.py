"""The course of a run in numbers: metrics.jsonl as arrays, made ready for a chart."""

import math
import threading
from array import array
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
from cachetools import LRUCache

from gptviz.training.jsonl import Row, Tail

COLUMNS = ("step", "train_loss", "val_loss", "lr", "grad_norm", "tokens_per_second", "seconds")
PARTS = ("data", "forward", "backward", "optimizer", "other")
RUNS_KEPT = 64
RECENT = 50  # steps that "now" looks back on

Unit = Literal["nats a token", "bits a byte", "perplexity"]


@dataclass(frozen=True)
class History:
    """One number a step and column; not-a-number where a row does not tell it.

    Losses are in nats a token; seconds is training time since the run's start without pauses.
    """

    columns: Mapping[str, np.ndarray] = field(repr=False)  # by the names of COLUMNS and PARTS
    broken: int = 0  # lines of the file that could not be read

    def __len__(self) -> int:
        return len(self["step"])

    def __getitem__(self, name: str) -> np.ndarray:
        return self.columns[name]

    def after(self, step: int) -> "History":
        """The same without all that came up to a step."""
        first = int(np.searchsorted(self["step"], step, side="right"))
        columns = {name: column[first:] for name, column in self.columns.items()}
        return History(columns, self.broken)

    @property
    def validations(self) -> tuple[np.ndarray, np.ndarray]:
        """Steps at which the held-out text was read, and its loss there."""
        there = ~np.isnan(self["val_loss"])
        return self["step"][there], self["val_loss"][there]

    def time_shares(self) -> dict[str, float]:
        """Share of the latest steps' time by part; empty for a run that did not measure it."""
        spent = {part: float(np.nansum(self[part][-RECENT:])) for part in PARTS}
        total = sum(spent.values())
        return {part: seconds / total for part, seconds in spent.items()} if total else {}

    def seconds_left(self, steps: int) -> float | None:
        """Until that many steps are done, at the pace of late; None while that is unknown."""
        times = self["seconds"][-RECENT - 1 :]
        if len(times) < 2 or not np.isfinite(times[[0, -1]]).all():
            return None
        pace = (times[-1] - times[0]) / (len(times) - 1)
        return float(max(0.0, steps - self["step"][-1]) * pace)


class _Reader:
    def __init__(self, path: Path):
        self.tail, self.lock = Tail(path), threading.Lock()
        self.values, self.without_step = _no_values(), 0
        self.history = _history(self.values, 0)

    def read(self) -> History:
        with self.lock:
            anew, rows = self.tail.new()
            if anew:
                self.values, self.without_step = _no_values(), 0
            self.without_step += _extend(self.values, rows)
            broken = self.tail.broken + self.without_step
            if anew or rows or broken != self.history.broken:
                self.history = _history(self.values, broken)
            return self.history


_readers: LRUCache[Path, _Reader] = LRUCache(RUNS_KEPT)
_lock = threading.Lock()


def read(folder: Path) -> History:
    """The history of the run in a folder so far, from metrics.jsonl; empty before its first step.

    The file is parsed once: a later call reads only the bytes that came since. The arrays are
    shared and cannot be written to.
    """
    with _lock:
        path = folder / "metrics.jsonl"
        reader = _readers.get(path) or _readers.setdefault(path, _Reader(path))
    return reader.read()


def from_rows(rows: Iterable[Row]) -> History:
    """The history that such rows of metrics.jsonl tell."""
    values = _no_values()
    return _history(values, broken=_extend(values, rows))


def thin(x: np.ndarray, y: np.ndarray, n: int = 300) -> tuple[np.ndarray, np.ndarray]:
    """At most n of the points (x, y): first, last, and lowest and highest of stretches between.

    So a spike of a single step stays visible. Points whose y is no finite number are left out.
    n is 4 or more.
    """
    there = np.isfinite(y)
    x, y = x[there], y[there]
    if len(y) <= n:
        return x, y
    stretches = np.array_split(np.arange(1, len(y) - 1), max(1, (n - 2) // 2))
    kept = {0, len(y) - 1}
    for stretch in stretches:
        kept |= {int(stretch[y[stretch].argmin()]), int(stretch[y[stretch].argmax()])}
    chosen = sorted(kept)
    return x[chosen], y[chosen]


def smooth(y: np.ndarray, weight: float) -> np.ndarray:
    """Exponential mean of y; each value weighs `weight` times what the one after it weighs.

    Divided by the weights' sum (Kingma and Ba, 2015, section 3), so that the beginning is a mean
    too. Not-a-number leaves the mean as it is. Raises ValueError for a weight outside [0, 1).
    """
    if not 0 <= weight < 1:
        raise ValueError(f"the weight of smoothing is {weight}; it must be in [0, 1)")
    import pandas as pd  # takes longer than all that a command that lists runs does

    values = pd.Series(np.where(np.isfinite(y), y, np.nan), dtype=np.float64)
    return values.ewm(alpha=1 - weight, ignore_na=True).mean().to_numpy()


def in_unit(loss: np.ndarray, unit: Unit, bytes_per_token: float) -> np.ndarray:
    """Losses in nats a token as another unit.

    Bits a byte compare models of different tokenizers; perplexity is e to the loss: among how
    many equally likely tokens the model is as unsure as here. Raises ValueError for another unit.
    """
    if unit == "nats a token":
        return loss
    if unit == "bits a byte":
        if not bytes_per_token > 0:
            raise ValueError(f"{bytes_per_token} bytes a token came; it must be above 0")
        return loss / np.log(2) / bytes_per_token
    if unit == "perplexity":
        with np.errstate(over="ignore"):
            return np.exp(loss)
    raise ValueError(f"{unit!r} is no unit of loss; choose one of {', '.join(get_args(Unit))}")


def _no_values() -> dict[str, array]:
    return {name: array("d") for name in (*COLUMNS, *PARTS)}


def _extend(values: dict[str, array], rows: Iterable[Row]) -> int:
    """Add the rows' numbers; how many rows name no step and are left out."""
    left_out = 0
    for row in rows:
        if not math.isfinite(_number(row.get("step"))):
            left_out += 1
            continue
        for name in COLUMNS:
            values[name].append(_number(row.get(name)))
        parts = row.get("time")
        for name in PARTS:
            values[name].append(_number(parts.get(name) if isinstance(parts, dict) else None))
    return left_out


def _number(value: Any) -> float:
    return float(value) if isinstance(value, int | float) else float("nan")


def _history(values: dict[str, array], broken: int) -> History:
    columns = {name: np.array(numbers, dtype=np.float64) for name, numbers in values.items()}
    for column in columns.values():
        column.flags.writeable = False
    return History(columns, broken)
