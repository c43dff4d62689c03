"""The weights of a run at a step: which there are, and their numbers."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open

from gptviz.checkpoints import steps

_FILE, _PREFIX = "model.safetensors", "transformer."


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
    unknown parameter, and numbers that are none.
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
