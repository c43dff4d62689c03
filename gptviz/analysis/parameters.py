"""The weights of a run at a step: which there are, and how their numbers are spread."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open

from gptviz.checkpoints import steps

MOST_BINS = 1000
_FILE, _PREFIX = "model.safetensors", "transformer."


@dataclass(frozen=True, eq=False)
class Histogram:
    """How many numbers of a parameter lie between which edges."""

    counts: np.ndarray  # (bins,)
    edges: np.ndarray  # (bins + 1,)
    mean: float
    std: float


def parameter_names(run: Path, step: int) -> list[str]:
    """The parameters that a run kept of a step, by their paths in the model.

    run is the run's folder. Raises FileNotFoundError or ValueError in words.
    """
    with _opened(run, step) as file:
        return [name.removeprefix(_PREFIX) for name in file.keys()]  # noqa: SIM118


def histogram(run: Path, step: int, name: str, bins: int = 60) -> Histogram:
    """How the numbers of one parameter are spread at a step.

    The bins are equally wide, from the smallest number to the largest. Only this tensor is read
    from the disk. Raises FileNotFoundError or ValueError in words for a step of which nothing is
    kept, for an unknown parameter, and for numbers of bins below 1 or above 1,000.
    """
    if not 1 <= bins <= MOST_BINS:
        raise ValueError(f"{bins} bins came; choose from 1 to {MOST_BINS}")
    found = values(run, step, name).ravel()
    counts, edges = np.histogram(found, bins)
    return Histogram(counts, edges, float(found.mean()), float(found.std()))


def values(run: Path, step: int, name: str) -> np.ndarray:
    """The numbers of one parameter at a step, in its shape; only they are read from the disk.

    Raises FileNotFoundError or ValueError in words, as histogram does.
    """
    with _opened(run, step) as file:
        stored = {key.removeprefix(_PREFIX): key for key in file.keys()}  # noqa: SIM118
        if name not in stored:
            raise ValueError(f"this model has no parameter {name!r}; choose one of {list(stored)}")
        found = file.get_tensor(stored[name]).astype(np.float64)
    if not np.isfinite(found).all():
        raise ValueError(
            f"{name} holds what is no number at step {step}: the run has diverged; choose an "
            f"earlier step"
        )
    return found


@contextmanager
def _opened(run: Path, step: int) -> Iterator[Any]:
    for kind in (steps.SNAPSHOTS, steps.CHECKPOINTS):
        path = run / kind / steps.folder_name(step) / _FILE
        if path.is_file():
            break
    else:
        raise FileNotFoundError(f"the run {run.name} keeps nothing of step {step}; choose another")
    try:
        with safe_open(path, framework="np") as file:
            yield file
    except SafetensorError as error:
        raise ValueError(f"{path} is cut off or no safetensors file ({error})") from error
