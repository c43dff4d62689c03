"""A model's name → its folder.

The name of a training run stands for its best checkpoint so far; `my-run@step-000600` for what
the run kept of that step, a snapshot or a checkpoint.
"""

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from gptviz.checkpoints import config as configs
from gptviz.checkpoints import hub, steps, verdicts
from gptviz.checkpoints.config import read_json
from gptviz.checkpoints.folder import is_model
from gptviz.checkpoints.place import ON_BOARD, can_be_listed, root
from gptviz.quoting import quoted


def names() -> list[str]:
    """The models and training runs under root() that can be chosen, those that ship first."""
    base = root()
    if not base.is_dir():
        return []
    found = [folder.name for folder in base.iterdir() if _can_be_chosen(folder)]
    return sorted(found, key=lambda name: (_place_on_board(name), name))


def _place_on_board(name: str) -> int:
    return ON_BOARD.index(name) if name in ON_BOARD else len(ON_BOARD)


def find(name: str) -> Path:
    """The model folder behind a name under root(), a folder's path, or a hub id.

    For a caller who may open any folder: a name from a URL goes to `find_listed`. A hub id that
    is not in the cache is downloaded. Raises FileNotFoundError if there is no such model.
    """
    if folder := _folder(name):
        return checkpoint(folder)
    base, _, step = name.rpartition("@")
    if step and (folder := _folder(base)):
        return _at_step(folder, step)
    if hub.is_id(name):
        return hub.download(name)
    raise _absent(name)


def find_listed(name: str) -> Path:
    """The model folder of one of names(), or of a step of one, and of nothing else.

    For a name from outside. Raises FileNotFoundError for any other name.
    """
    if _is_listed(name):
        return checkpoint(root() / name)
    base, _, step = name.rpartition("@")
    if not _is_listed(base):
        raise _absent(name)
    found = _at_step(root() / base, step)
    if not _is_inside(found):
        raise _absent(name)
    return found


def checkpoint(folder: Path) -> Path:
    """The best checkpoint of a training run, or the last if none is known to be best.

    A folder that is no run is returned as it is. Raises FileNotFoundError for a run without a
    checkpoint.
    """
    if not (folder / "status.json").is_file():
        return folder
    kept = steps.kept(folder / steps.CHECKPOINTS)
    try:
        status = read_json(folder / "status.json")
    except ValueError:  # the weights do not suffer from it
        status = {}
    for step in (status.get("best_step"), status.get("last_step"), *kept[-1:]):
        if step in kept:
            return folder / steps.CHECKPOINTS / steps.folder_name(step)
    raise FileNotFoundError(
        f"the training run {folder} has no checkpoint; wait for its first, or choose another model"
    )


def _folder(name: str) -> Path | None:
    """The folder of a name under root(), if it is no path, or else the one at a path, if any."""
    places = [root() / name] if name == Path(name).name and name != ".." else []
    with suppress(ValueError):  # there is no home of somebody with such a name
        places.append(Path(os.path.expanduser(name)))  # an unknown user's stays as it is
    # isdir is False, too, for what can be no path.
    return next((place for place in places if name and os.path.isdir(place)), None)


def _at_step(folder: Path, step: str) -> Path:
    # A snapshot comes first: it stays, and so the same name keeps meaning the same weights.
    for kind in (steps.SNAPSHOTS, steps.CHECKPOINTS):
        for kept in steps.kept(folder / kind):
            if step == steps.folder_name(kept):
                return folder / kind / step
    raise FileNotFoundError(
        f"the training run {folder.name} keeps nothing of {quoted(step, 20)}; choose another step"
    )


def _is_listed(name: str) -> bool:
    """Whether names() holds it, without a look at all the others."""
    folder = root() / name
    return name == folder.name and folder.is_dir() and _can_be_chosen(folder)


def _can_be_chosen(folder: Path) -> bool:
    return can_be_listed(folder.name) and verdicts.of(folder, _holds_model)


def _holds_model(folder: Path, look_at: Callable[[Path], None]) -> bool:
    for part in ("", configs.FILE, "status.json", steps.CHECKPOINTS):
        look_at(folder / part)
    try:
        found = checkpoint(folder)
    except (OSError, ValueError):
        return False
    for part in ("", configs.FILE):
        look_at(found / part)
    return _is_inside(found) and is_model(found)


def _is_inside(folder: Path) -> bool:
    # A link that leads out of root() would open what nobody put there for the app.
    return Path(os.path.realpath(folder)).is_relative_to(os.path.realpath(root()))


def _absent(name: str) -> FileNotFoundError:
    there = ", ".join(names()) or "none yet"
    return FileNotFoundError(
        f"there is no model {quoted(name, 80)}; under {root()} there are: {there}"
    )
