"""What a run measured, made ready for a chart: thinned out, smoothed, in another unit."""

import math
from collections.abc import Mapping
from types import MappingProxyType

import numpy as np

from gptviz.runs import Status
from gptviz.training.record.metrics import History

# What charts call the losses of gptviz.training.baselines.
BASELINES: Mapping[str, str] = MappingProxyType(
    {
        "uniform": "blind guess (ln V)",
        "unigram": "counting tokens (unigram)",
        "bigram": "counting pairs (bigram)",
    }
)
SMOOTHING = 0.9  # what a loss weighs in a smoothed curve, of what the one after it weighs


def thin(x: np.ndarray, y: np.ndarray, n: int = 300) -> tuple[np.ndarray, np.ndarray]:
    """At most n of the points (x, y): first, last, and lowest and highest of stretches between.

    So a spike of a single step stays visible. Points whose y is NaN or infinite are left out.
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
    too. NaN leaves the mean as it is. Raises ValueError for a weight outside [0, 1).
    """
    if not 0 <= weight < 1:
        raise ValueError(f"the weight of smoothing is {weight}; it must be in [0, 1)")
    import pandas as pd  # slow to import, and a command that lists runs does without

    values = pd.Series(np.where(np.isfinite(y), y, np.nan), dtype=np.float64)
    return values.ewm(alpha=1 - weight, ignore_na=True).mean().to_numpy()


def speed(course: History, tokens_per_step: int, n: int) -> np.ndarray:
    """Tokens a second up to each step, (N,), over n steps and all that was done between them.

    Validations, samples, snapshots and checkpoints count; of fewer steps where the run begins, and
    NaN at its first one.
    """
    steps, seconds = course["step"], course["seconds"]
    before = np.maximum(np.arange(len(steps)) - n, 0)
    taken = seconds - seconds[before]
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(taken > 0, (steps - steps[before]) * tokens_per_step / taken, np.nan)


def train_bytes_per_token(status: Status) -> float | None:
    """Of the text that a run trains on, as far as it says so."""
    return status.get("train_bytes_per_token", status.get("bytes_per_token"))


def val_bytes_per_token(status: Status) -> float | None:
    """Of the text that a run holds out, as far as it says so."""
    return status.get("val_bytes_per_token", status.get("bytes_per_token"))


def baselines(status: Status) -> Mapping[str, float]:
    """The losses of guesses that only count, by the keys of BASELINES, as far as a run says so."""
    told = status.get("baselines", {})
    return {name: told[name] for name in BASELINES if name in told}


def bits_per_byte(loss: float, bytes_per_token: float) -> float:
    """A loss in nats a token as bits a byte, by which models of different tokenizers compare."""
    return loss / math.log(2) / bytes_per_token
