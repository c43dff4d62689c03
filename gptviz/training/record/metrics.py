"""The numbers of each step of a run.

RUN/metrics.jsonl   {"step", "train_loss", "lr", "grad_norm", "tokens_per_second", "seconds",
                     "time": {part: seconds}}, and "val_loss" after a validation; "left_out": true
                     and no "grad_norm" where float16 ran over, and the weights stayed as they were
"""

import math
import threading
from array import array
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from cachetools import LRUCache

from gptviz.disk import Row, Tail, append_row, drop_rows_after
from gptviz.runs import METRICS, Run
from gptviz.training.record.observer import Observer

COLUMNS = ("step", "train_loss", "val_loss", "lr", "grad_norm", "tokens_per_second", "seconds")
PARTS = ("data", "forward", "backward", "optimizer", "other")
RUNS_KEPT = 64
RECENT = 50  # steps that "now" looks back on


class Metrics(Observer):
    """Writes the row of each step."""

    def __init__(self, run: Run):
        self.run, self.path = run, run.folder / METRICS

    def started(self, step: int) -> None:
        drop_rows_after(self.path, step)

    def step_done(self, row: Row) -> None:
        self.run.require_folder()  # or the row would begin a new one
        append_row(self.path, row)


@dataclass(frozen=True)
class History:
    """One number a step and column; NaN where a row does not have it.

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
        """Until that many steps are done, at the recent pace; None while that is unknown."""
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
            replaced, rows = self.tail.new()
            if replaced:
                self.values, self.without_step = _no_values(), 0
            self.without_step += _extend(self.values, rows)
            broken = self.tail.broken + self.without_step
            if replaced or rows or broken != self.history.broken:
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
        path = folder / METRICS
        reader = _readers.get(path) or _readers.setdefault(path, _Reader(path))
    return reader.read()


def _no_values() -> dict[str, array]:
    return {name: array("d") for name in (*COLUMNS, *PARTS)}


def _extend(values: dict[str, array], rows: Iterable[Row]) -> int:
    """Add the rows' numbers; how many rows have no step and are left out."""
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
