"""Training runs as jobs: start, watch, steer and remove them, from a page or a command.

A run is a process of its own, which survives whoever started it. The process takes orders from
RUN/control.json and says in RUN/status.json how it goes; that it lives is seen from RUN/lock.
Nothing here trains, waits for a run or needs PyTorch, so a page answers at once. Whatever is asked
of a run that another session has deleted raises FileNotFoundError in words; of one that ships with
gptviz, ValueError.
"""

import math
import os
import shutil
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from gptviz import system
from gptviz.checkpoints.place import can_be_listed
from gptviz.checkpoints.place import root as default_root
from gptviz.jobs import slot
from gptviz.jobs.process import launch
from gptviz.quoting import quoted
from gptviz.runs import LIVING, Command, Run, State, longer, names

if TYPE_CHECKING:
    from gptviz.training.config import TrainingConfig

GALLERY = "gallery"  # beside the models: the shipped runs that have none
MOST_NAMED = 20  # runs that a sentence names
NOT_LIVING: Mapping[Command, str] = {
    "pause": "{run} neither trains nor waits for its turn, so it cannot pause; resume it first",
    "stop": "{run} neither trains nor waits for its turn, so it cannot stop; resume it first",
}


def start(
    config: "TrainingConfig",
    name: str,
    root: Path | None = None,
    preset: str = "",
    owner: str = "",
) -> Run:
    """Make a run's folder and have it trained in a process of its own.

    Where there is something of this name, the run gets a number behind it. preset names the one
    that it is of, and owner is the id of the browser that it belongs to, if it is. Raises
    ValueError for a name that cannot be a folder's and if the queue is full, OSError if there is
    no room.
    """
    slot.require_room()
    folder = _new_folder(root or default_root(), names.checked(name))
    run = Run.create(folder, config, preset, owner)
    launch(run)
    return run


def resume(run: Run) -> None:
    """Have a run trained on from its last checkpoint, in a process of its own.

    Raises ValueError for a run that is done or that a process holds, and if the queue is full.
    """
    with _changing(run):
        if run.status.get("state") == "done":
            raise ValueError(f"{run.name} is done; give it more steps to train longer")
        slot.require_room()
        launch(run)


def lengthen(run: Run, steps: int, patience: int) -> None:
    """Have a run that has ended go on to so many steps in all, with that patience.

    Raises ValueError for a run that a process holds, if nothing would be left to do, and if the
    queue is full: see gptviz.runs.longer.
    """
    with _changing(run):
        slot.require_room()
        launch(longer.lengthen(run, steps, patience))


def pause(run: Run) -> None:
    """Have a run end with a checkpoint; "paused" says that it waits for `resume`.

    Raises ValueError if it neither runs nor waits for its turn.
    """
    _command(run, "pause")


def stop(run: Run) -> None:
    """Have a run end with a checkpoint, as if that was its end; `resume` still works.

    Raises ValueError if it neither runs nor waits for its turn.
    """
    _command(run, "stop")


def set_learning_rate(run: Run, rate: float) -> None:
    """Let the schedule have this highest rate from the next step on, now or when it is resumed.

    The rest of the schedule is raised or lowered alike. Raises ValueError if it is not above 0.
    """
    if not 0 < rate < math.inf:
        raise ValueError(f"the learning rate is {quoted(rate)}; it must be above 0")
    with _changing(run):
        run.update_control({"learning_rate": float(rate)})


def rename(run: Run, name: str) -> Run:
    """Give a run another name, and a number behind it where there is something of that name.

    The run as it is found from now on, in a folder of that name. Raises ValueError for a name that
    cannot be a folder's and for a run that lives, OSError if the folder cannot be moved.
    """
    with _changing(run):
        name = names.checked(name)
        if name == run.id:
            return run
        if state(run) in LIVING:
            raise ValueError(f"{run.name} trains or waits for its turn; stop it first to rename it")
        with run.starting():
            pass  # as before it is deleted: nobody holds it
        free = (run.folder.with_name(each) for each in names.numbered(name))
        folder = next(place for place in free if not os.path.lexists(place))
        system.replace(run.folder, folder)
        return Run(folder)


def delete(run: Run) -> None:
    """Remove a run with all that it learned.

    Raises ValueError for one that runs or waits: it must be stopped first, so that nobody loses
    hours by one click. Raises OSError if files cannot be removed.
    """
    with _changing(run):
        if state(run) in LIVING:
            raise ValueError(f"{run.name} trains or waits for its turn; stop it first to delete it")
        with run.starting():
            pass  # Nobody holds it. Windows moves no folder in which a file is open, as a lock is.
        # Under a hidden name it is in no list, even if its files can only be removed in part.
        hidden = run.folder.with_name(f".deleted-{uuid.uuid4().hex}")
        try:
            system.replace(run.folder, hidden)
            shutil.rmtree(hidden)
        except FileNotFoundError:  # another session was quicker
            raise
        except OSError as error:
            raise OSError(
                f"not all files of {run.name} could be removed ({error.strerror}); "
                f"remove the rest by hand: {hidden if hidden.exists() else run.folder}"
            ) from error


def state(run: Run) -> State:
    """What the run is doing; "crashed" if it should be alive and no process holds it."""
    for _ in range(2):  # it may end between the two looks, and say so in the second
        told = run.status.get("state", "queued")
        if told not in LIVING or run.is_held:
            return told
    return "crashed"


def queue_position(run: Run) -> int:
    """How many wait before a run that waits: 0 for the next one."""
    return slot.ahead(run.status.get("queued_at", time.time()))


def list_runs(root: Path | None = None) -> list[Run]:
    """The runs in a folder of models, the newest first; what cannot be read is left out.

    Runs that ship with gptviz come after those that were made here.
    """
    base = root or default_root()
    found = []
    for folder in base.iterdir() if base.is_dir() else ():
        if not can_be_listed(folder.name) or folder.is_symlink():
            continue
        try:
            run = Run(folder)
            found.append((not run.is_shipped, run.created, run.id, run))
        except (OSError, ValueError):  # a model, or a run whose settings are lost
            continue
    return [run for *_, run in sorted(found, key=lambda item: item[:3], reverse=True)]


def find_run(run_id: str, root: Path | None = None) -> Run:
    """The run of an id that list_runs lists, and nothing else: for an id from outside.

    Raises FileNotFoundError for any other.
    """
    runs = list_runs(root)
    for run in runs:
        if run.id == run_id:
            return run
    there = [run.id for run in runs]
    if not there:
        raise FileNotFoundError(
            f"there is no run {quoted(run_id, 80)}, nor any other yet; train one"
        )
    named = ", ".join([*there[:MOST_NAMED], *["…"][: len(there) > MOST_NAMED]])
    raise FileNotFoundError(f"there is no run {quoted(run_id, 80)}; there are: {named}")


def _command(run: Run, command: Command) -> None:
    with _changing(run):
        if state(run) not in LIVING:
            raise ValueError(NOT_LIVING[command].format(run=run.name))
        run.update_control({"command": command})


@contextmanager
def _changing(run: Run) -> Iterator[None]:
    """Refuse to change a run that ships, and say in words where one fails because it is deleted."""
    run.require_own()
    try:
        yield
    except (ValueError, FileNotFoundError) as error:
        if run.folder.exists():
            raise
        raise FileNotFoundError(
            f"the run {quoted(run.id)} is no longer there; choose one from the list"
        ) from error


def _new_folder(root: Path, name: str) -> Path:
    """An empty folder of its own for a run, by a name that no run of the gallery has."""
    root.mkdir(parents=True, exist_ok=True)
    taken = {run.name for run in list_runs(root / GALLERY)}
    for free in islice(names.numbered(name), 1000):
        if free in taken:
            continue
        try:
            (root / free).mkdir()
        except FileExistsError:
            continue
        return root / free
    raise OSError(f"{root} holds a thousand runs named {quoted(name)}; choose another name")
