"""What a run measured inside its model while it learnt, as arrays over its steps."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from gptviz.training import jsonl
from gptviz.training.runs import INDUCTION, LAYERS

MEASURES = ("grad_norm", "weight_norm", "update_ratio")


@dataclass(frozen=True)
class Layers:
    """One number a step and group of parameters, from layers.jsonl; see gptviz.training.layers."""

    steps: np.ndarray  # (S,)
    groups: tuple[str, ...]  # G names, in the order of the network
    values: dict[str, np.ndarray]  # (S, G) by measure: see MEASURES


@dataclass(frozen=True)
class Induction:
    """The induction score of every head at each snapshot, from induction.jsonl."""

    steps: np.ndarray  # (S,)
    scores: np.ndarray  # (S, L, H), 0 to 1
    loss_first: np.ndarray  # (S,), in nats a token, of random tokens said for the first time
    loss_second: np.ndarray  # (S,), of the same ones, said again


def layers(folder: Path) -> Layers:
    """What layers.jsonl of a run's folder tells so far; nothing where there is none."""
    rows = [row for row in jsonl.rows(folder / LAYERS) if set(MEASURES) <= row.keys()]
    groups = tuple(rows[0]["grad_norm"]) if rows else ()
    values = {
        measure: np.array([[row[measure].get(group, np.nan) for group in groups] for row in rows])
        for measure in MEASURES
    }
    return Layers(_steps(rows), groups, values)


def induction(folder: Path) -> Induction:
    """What induction.jsonl of a run's folder tells so far; nothing where there is none."""
    names = ("scores", "loss_first", "loss_second")
    rows = [row for row in jsonl.rows(folder / INDUCTION) if set(names) <= row.keys()]
    scores, first, second = (np.array([row[name] for row in rows], dtype=float) for name in names)
    return Induction(_steps(rows), scores if rows else np.empty((0, 0, 0)), first, second)


def _steps(rows: Sequence[jsonl.Row]) -> np.ndarray:
    return np.array([row["step"] for row in rows], dtype=int)
