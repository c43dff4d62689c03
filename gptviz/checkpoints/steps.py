"""The models that a training run keeps, one a step: its checkpoints and its snapshots.

RUN/checkpoints/step-000600/   the best and the last, from which the run can go on
RUN/snapshots/step-000600/     weights in half precision, to look back at how it learned
"""

import re
from pathlib import Path

CHECKPOINTS, SNAPSHOTS = "checkpoints", "snapshots"
_FOLDER_NAME = re.compile(r"step-\d{6,9}", re.ASCII)


def folder_name(step: int) -> str:
    """The name of a step's folder: step-000600."""
    return f"step-{step:06d}"


def kept(folder: Path) -> list[int]:
    """The steps that lie in a folder of checkpoints or snapshots, in order; none without one."""
    try:
        names = [path.name for path in folder.iterdir() if path.is_dir()]
    except (FileNotFoundError, NotADirectoryError):
        return []
    return sorted(int(name[5:]) for name in names if _FOLDER_NAME.fullmatch(name))


def run_of(folder: Path) -> Path | None:
    """The folder of the run that keeps a model as one of its steps; None for any other model."""
    folder = folder.resolve()
    is_step = folder.parent.name in (CHECKPOINTS, SNAPSHOTS) and _FOLDER_NAME.fullmatch(folder.name)
    return folder.parents[1] if is_step else None
