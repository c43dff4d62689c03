"""Runs beside each other: their curves in one chart, what differs, and what came of it."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from accounts.common import Expected, numbered, ticks
from accounts.recorded import LAST, Recorded, differing, few
from accounts.shown import NUMBER

ALIKE = 5e-4  # nats: guesses that differ by less are about the same text


def curves(key: str, runs: Sequence[Recorded], axis: str = "step") -> Expected:
    """Losses over an axis with those of guesses, the table behind them, and that of the runs."""
    shown: dict[str, Any] = {}
    columns: dict[str, list[np.ndarray]] = {axis: [], "train_loss": [], "val_loss": []}
    for i, run in enumerate(runs):
        steps, loss, val_loss = (run.column(name) for name in ("step", "train_loss", "val_loss"))
        x = {"step": steps, "tokens": steps * run.tokens, "seconds": run.column("seconds")}[axis]
        for n, y in ((2 * i, run.smoothed), (2 * i + 1, val_loss)):
            places, values = few(x, y)
            shown |= {f"{key}.{n}.x": places, f"{key}.{n}.y": values}
            shown[f"{key}.{n}.legendgroup"] = [str(i)]
            shown |= {f"{key}.{n}.name": [run.name]} if NUMBER.search(run.name) else {}
            shown |= {f"{key}.{n}.hover": [(0.9,)]} if n == 2 * i else {}
        for column, values in zip(columns.values(), (x, loss, val_loss), strict=True):
            column.append(values)
    shown |= {f"{key}_table.{name}": np.concatenate(each) for name, each in columns.items()}
    guesses = [run.counts.guesses for run in runs]
    shared = all(
        abs(each[name] - guess) < ALIKE for each in guesses for name, guess in guesses[0].items()
    )
    if shared:
        shown[f"{key}.notes"] = [(guess,) for guess in guesses[0].values()]
        shown[f"{key}.shapes"] = [[0, 1, guess, guess] for guess in guesses[0].values()]
    names = numbered(run.name for run in runs)
    for table in (f"{key}_table", f"{key}_settings_table"):
        of_points = [len(run.column("step")) for run in runs]
        repeated = [n for n, k in zip(runs, of_points, strict=True) for _ in range(k)]
        rows = numbered(run.name for run in repeated) if table == f"{key}_table" else names
        shown |= {f"{table}.run": rows} if rows else {}
    shown |= settings(f"{key}_settings_table", runs)
    said: list[tuple] = [("With points: validation loss", len(runs), 0.9, 0.9)]
    more = by_size(key, runs) if shared else ([], {})
    shown[f"{key}_settings_table.heads"] = [(LAST,)]
    return [*said, *more[0]], {**shown, **more[1]}


def settings(place: str, runs: Sequence[Recorded]) -> dict[str, Any]:
    """The table of what runs differ in and what came of them."""
    shown = {}
    for name in differing(runs):
        values = [run.config.get(name) for run in runs]
        told = [
            value
            for value in values
            if (isinstance(value, str) and NUMBER.search(value))
            or (isinstance(value, int | float) and not isinstance(value, bool))
        ]
        shown |= {f"{place}.{name}": told} if told else {}
    results = [run.results() for run in runs]
    shown |= {f"{place}.{name}": [each[name] for each in results] for name in results[0]}
    return shown


def by_size(key: str, runs: Sequence[Recorded]) -> Expected:
    """The best losses over sizes and numpy's line, where there are three sizes."""
    runs = sorted(runs, key=lambda run: run.sizes["without embeddings"])
    sizes = np.array([run.sizes["without embeddings"] for run in runs], float)
    if len(set(sizes)) < 3:
        return [], {}
    losses = np.array([run.validations[1].min() for run in runs])
    slope, height = np.polyfit(np.log(sizes), np.log(losses), 1)
    names = numbered(run.name for run in runs)
    key = f"{key}_by_size"
    shown: dict[str, Any] = {
        f"{key}.0.x": sizes,
        f"{key}.0.y": np.exp(height) * sizes**slope,
        f"{key}.1.x": sizes,
        f"{key}.1.y": losses,
        f"{key}.xaxis": ticks(sizes),
        f"{key}_table.parameters": sizes,
        f"{key}_table.best_val_loss": losses,
    }
    shown |= {f"{key}.1.text": names, f"{key}_table.run": names} if names else {}
    said = [
        ("On the nearest straight line", 10**slope, -slope),
        ("Each point is a run", len(runs)),
    ]
    return said, shown


def bits(run: Recorded, loss: float) -> float:
    """A loss in nats a token as bits a byte of what is held out."""
    return loss / math.log(2) / run.counts.bytes_per_token[1]
