"""A model's name → its folder."""

import os
from pathlib import Path

from gptviz.checkpoints import hub
from gptviz.checkpoints.config import read_json
from gptviz.checkpoints.folder import is_model

BUNDLED = "shakespeare"


def root() -> Path:
    """The folder of named models: $GPTVIZ_CHECKPOINTS, or checkpoints/ beside the package."""
    beside = Path(__file__).parents[2] / "checkpoints"
    return Path(os.environ.get("GPTVIZ_CHECKPOINTS") or beside)


def names() -> list[str]:
    """The models and training runs under root() that can be chosen, the bundled one first."""
    base = root()
    if not base.is_dir():
        return []
    found = [folder.name for folder in base.iterdir() if _can_be_chosen(folder)]
    return sorted(found, key=lambda name: (name != BUNDLED, name))


def find(name: str) -> Path:
    """The model folder behind a name under root(), a folder's path, or a hub id.

    For a caller who may open any folder: a name from a URL goes to `find_listed`. A hub id that
    is not in the cache is downloaded. Raises FileNotFoundError if there is no such model.
    """
    for folder in (root() / name, Path(name).expanduser()):
        if name and os.path.isdir(folder):  # which is False, too, for what can be no path
            return checkpoint(folder)
    if hub.is_id(name):
        return hub.download(name)
    raise _absent(name)


def find_listed(name: str) -> Path:
    """The model folder of one of names(), and of nothing else: for a name from outside.

    Raises FileNotFoundError for any other name.
    """
    if name not in names():
        raise _absent(name)
    return checkpoint(root() / name)


def checkpoint(folder: Path) -> Path:
    """The best checkpoint of a training run, or the last if none is known to be best.

    A folder that is no run is returned as it is. Raises FileNotFoundError for a run without a
    checkpoint.
    """
    if not (folder / "status.json").is_file():
        return folder
    status = read_json(folder / "status.json")
    for step in (status.get("best_step"), status.get("last_step")):
        if isinstance(step, int):
            found = folder / "checkpoints" / f"step-{step:06d}"
            if found.is_dir():
                return found
    raise FileNotFoundError(f"the training run {folder} has no checkpoint yet; wait for its first")


def _can_be_chosen(folder: Path) -> bool:
    if folder.name.startswith("."):
        return False
    try:
        found = checkpoint(folder)
    except (OSError, ValueError):
        return False
    # A link that leads out of root() would open what nobody put there for the app.
    inside = Path(os.path.realpath(found)).is_relative_to(os.path.realpath(root()))
    return inside and is_model(found)


def _absent(name: str) -> FileNotFoundError:
    there = ", ".join(names()) or "none yet"
    return FileNotFoundError(f"there is no model {name[:80]!r}; under {root()} there are: {there}")
