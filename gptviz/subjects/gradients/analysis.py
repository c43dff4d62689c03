"""The layers of a run: norms of their gradients and weights, and the numbers of a parameter."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from safetensors import SafetensorError, safe_open

from gptviz.checkpoints import steps
from gptviz.quoting import quoted
from gptviz.runs import Run
from gptviz.training.record import gradients

_FILE, _PREFIX = "model.safetensors", "transformer."


def norms(run: Run, measure: str) -> pd.DataFrame:
    """A measure of each part of a run's model: a row a step, a column a part.

    measure is one of `gptviz.training.record.gradients.MEASURES`. The first column holds the
    steps. Without rows where the run has not measured its layers.
    """
    found = gradients.read(run.folder)
    values = found.values[measure].reshape(len(found.steps), len(found.groups))
    table = pd.DataFrame(values, columns=list(found.groups))
    table.insert(0, "step", found.steps)
    return table


def parameter_names(run: Path, step: int) -> list[str]:
    """The parameters that a run kept of a step, by their paths in the model.

    run is the run's folder. Raises FileNotFoundError or ValueError in words.
    """
    with _opened(run, step) as file:
        return [name.removeprefix(_PREFIX) for name in file.keys()]  # noqa: SIM118


def values(run: Path, step: int, name: str) -> np.ndarray:
    """The numbers of one parameter at a step; only they are read from the disk.

    In its shape in the file, where a layer's weights lie as Hugging Face's do: (in, out).
    Raises FileNotFoundError or ValueError in words for a step of which nothing is kept, an
    unknown parameter, and one that holds NaN or infinite values.
    """
    with _opened(run, step) as file:
        stored = {key.removeprefix(_PREFIX): key for key in file.keys()}  # noqa: SIM118
        if name not in stored:
            raise ValueError(
                f"this model has no parameter {quoted(name)}; choose one of {list(stored)}"
            )
        found = file.get_tensor(stored[name]).astype(np.float64)
    if not np.isfinite(found).all():
        raise ValueError(
            f"{name} holds NaN or infinite values at step {step}: the run has diverged; choose an "
            f"earlier step"
        )
    return found


def spread(now: np.ndarray, start: np.ndarray, first: int) -> pd.DataFrame:
    """How the numbers of a parameter are spread, now and at a run's first kept step.

    A row for each of: how many, mean, standard deviation, least, quartiles, largest.
    """
    columns = {"now": now.ravel(), f"step {first}": start.ravel()}
    return pd.DataFrame(columns).describe().reset_index(names="of the numbers")


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
