"""Runs side by side: what their settings differ in, what came of it, and their curves."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Self, get_args

import numpy as np
import pandas as pd

from gptviz import parameters
from gptviz.quoting import quoted
from gptviz.runs import Run
from gptviz.runs.curves import baselines, bits_per_byte, speed, val_bytes_per_token
from gptviz.runs.names import numbered
from gptviz.training.record import metrics
from gptviz.training.record.metrics import History

Axis = Literal["step", "tokens", "seconds"]
ALIKE = 5e-4  # nats: losses that differ by less are of the same text
RECENT = 20  # steps whose mean is a run's last training loss
# Columns of tables about runs; a setting's column is called as the setting.
TITLES = {
    "rate_changes": "changes of the rate",
    "last_train_loss": f"training loss, mean of the last {RECENT} steps",
    "train_loss": "training loss",
    "last_val_loss": "last validation loss",
    "best_val_loss": "best validation loss",
    "val_loss": "validation loss",
    "beside_baseline": "beside the baseline",
    "best_step": "best at step",
    "best_bits_per_byte": "best in bits a byte",
    "gap": "gap: last validation loss above that training loss",
    "reduction": "fall of the training loss, %",
    "tokens_read": "tokens read",
    "epochs": "passes of the text",
    "tokens_per_second_alone": "tokens a second, of steps alone",
    "tokens_per_second": "tokens a second, with validation, samples and snapshots",
}


@dataclass(frozen=True)
class Curve:
    """The losses of one run, in nats a token, over an axis that it shares with others."""

    name: str
    x: np.ndarray  # (N,)
    train_loss: np.ndarray  # (N,)
    val_x: np.ndarray  # (M,)
    val_loss: np.ndarray  # (M,)


@dataclass(frozen=True)
class Fall:
    """How far the losses of a run have come; NaN where one is not known yet."""

    first: float  # training loss of the first step on the text, in nats a token
    train_loss: float  # mean of the last RECENT steps
    val_loss: float  # of the last validation

    @classmethod
    def of(cls, course: History, lessons: int = 0) -> Self:
        """The ends of a run's curves, whose first steps may be lessons in copying."""
        first, (_, validated) = course.after(lessons)["train_loss"], course.validations
        return cls(
            float(first[0]) if len(first) else math.nan,
            _mean(course["train_loss"][-RECENT:]),
            float(validated[-1]) if len(validated) else math.nan,
        )

    @property
    def gap(self) -> float:
        """By how much the held-out text is harder than what is trained on, in nats a token."""
        return self.val_loss - self.train_loss

    @property
    def reduction(self) -> float:
        """Which share of its first value the training loss has lost."""
        return (self.first - self.train_loss) / self.first if self.first else math.nan


def table(runs: Sequence[Run]) -> pd.DataFrame:
    """A row a run: its name, the settings in which the runs differ, and its results.

    Losses are in nats a token. Those of different tokenizers do not compare; bits a byte do.
    """
    settings = [_settings(run) for run in runs]
    differing = [
        name
        for name in dict.fromkeys(name for chosen in settings for name in chosen)
        if len({repr(chosen.get(name)) for chosen in settings}) > 1
    ]
    rows = [
        {
            "run": name,
            **{setting: chosen.get(setting) for setting in differing},
            **_results(run),
        }
        for run, name, chosen in zip(runs, names(runs), settings, strict=True)
    ]
    return pd.DataFrame(rows)


def curves(runs: Sequence[Run], axis: Axis) -> list[Curve]:
    """Each run's curve by step, by tokens read, or by seconds of training.

    Where a run has not measured its time, its curve by seconds is empty. Raises ValueError for
    another axis.
    """
    if axis not in get_args(Axis):
        raise ValueError(f"{quoted(axis)} is no axis; choose one of {', '.join(get_args(Axis))}")
    found = []
    for run, name in zip(runs, names(runs), strict=True):
        course = metrics.read(run.folder)
        x = course["seconds"] if axis == "seconds" else course["step"]
        if axis == "tokens":
            x = x * run.config.tokens_per_step
        known, validated = np.isfinite(x), ~np.isnan(course["val_loss"])
        found.append(
            Curve(
                name,
                x[known],
                course["train_loss"][known],
                x[known & validated],
                course["val_loss"][known & validated],
            )
        )
    return found


def shared_baselines(runs: Sequence[Run]) -> Mapping[str, float]:
    """The losses of guesses that only count, where all runs have the same; else none."""
    first, *others = (baselines(run.status) for run in runs)
    shared = all(
        other.keys() == first.keys()
        and all(math.isclose(other[name], first[name], abs_tol=ALIKE) for name in first)
        for other in others
    )
    return first if shared else {}


def bits(run: Run, loss: float) -> float:
    """A validation loss of a run as bits a byte; NaN where the run does not say how many bytes."""
    ratio = val_bytes_per_token(run.status)
    return bits_per_byte(loss, ratio) if ratio else math.nan


def names(runs: Sequence[Run]) -> list[str]:
    """What each run is called; one whose name stands before it already gets a number."""
    found: list[str] = []
    for run in runs:
        found.append(next(name for name in numbered(run.name) if name not in found))
    return found


def _settings(run: Run) -> dict[str, Any]:
    """All settings in one level, those of the model too; a text by the name of its file."""
    settings = run.config.to_dict()
    model = settings.pop("model")
    settings["data"] = Path(settings["data"]).name
    changes = [f"{rate['learning_rate']:g} from step {rate['step'] + 1}" for rate in run.rates]
    return {**model, **settings, "rate_changes": ", ".join(changes)}


def _results(run: Run) -> dict[str, Any]:
    course, config = metrics.read(run.folder), run.config
    steps, losses = course.validations
    best = int(losses.argmin()) if len(losses) else None
    taken = int(course["step"][-1]) if len(course) else 0
    fall = Fall.of(course, config.copy_steps)
    best_loss = float(losses.min()) if len(losses) else math.nan
    return {
        "steps": taken,
        "last_train_loss": fall.train_loss,
        "last_val_loss": fall.val_loss,
        "best_val_loss": best_loss,
        "best_step": int(steps[best]) if best is not None else None,
        "best_bits_per_byte": bits(run, best_loss),
        "gap": fall.gap,
        "reduction": 100 * fall.reduction,
        "seconds": _seconds(course),
        "tokens_per_second_alone": _alone(course),
        "tokens_per_second": _all_included(course, config.tokens_per_step),
        "tokens_read": taken * config.tokens_per_step,
        "epochs": epochs(run, taken),
        "parameters": parameters.count(config.model),
    }


def epochs(run: Run, steps: int) -> float:
    """How often so many steps passed the text of a run; NaN for one that does not say its size."""
    train_tokens = run.status.get("train_tokens")
    return run.config.passes(train_tokens, steps) if train_tokens else math.nan


def _seconds(course: History) -> float:
    return float(course["seconds"][-1]) if len(course) else math.nan


def _alone(course: History) -> float:
    speeds = course["tokens_per_second"]
    return float(1 / (1 / speeds).mean()) if len(speeds) else math.nan


def _all_included(course: History, tokens_per_step: int) -> float:
    speeds = speed(course, tokens_per_step, len(course))
    return float(speeds[-1]) if len(speeds) else math.nan


def _mean(values: np.ndarray) -> float:
    return float(values.mean()) if len(values) else math.nan
