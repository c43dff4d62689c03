"""Training runs as jobs: start, watch, steer and remove them, from a page or a command.

A run is a process of its own, which survives whoever started it. The process takes orders from
RUN/control.json and says in RUN/status.json how it goes; that it lives is seen from RUN/lock.
Nothing here trains, waits for a run or needs PyTorch, so a page answers at once. Whatever is asked
of a run that another session has deleted raises FileNotFoundError in words; of one that ships with
gptviz, ValueError.
"""

import math
import os
import re
import shutil
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from gptviz.checkpoints.place import root as default_root
from gptviz.training import slot
from gptviz.training.files import write_json
from gptviz.training.runs import LIVING, Command, Run, State
from gptviz.training.worker import INHERITED_LOCK

if TYPE_CHECKING:
    from gptviz.training.config import TrainingConfig

LOG = "log.txt"  # what the process says in words, for the case that status.json does not tell
NICE = 10  # the pages come first
LONGEST_ID, LONGEST_NAME = 64, 80


def start(config: "TrainingConfig", name: str, root: Path | None = None) -> Run:
    """Make a run's folder, named after it, and have it trained in a process of its own.

    Raises ValueError for a name that cannot be shown, OSError if there is no room.
    """
    name = checked_name(name)
    run = Run.create(_new_folder(root or default_root(), name), config, name)
    _spawn(run)
    return run


def resume(run: Run) -> None:
    """Have a run trained on from its last checkpoint, in a process of its own.

    Raises ValueError for a run that is done or that a process holds.
    """
    with _changing(run):
        if run.status.get("state") == "done":
            raise ValueError(
                f"{run.name} is done; clone its settings with more steps to train longer"
            )
        _spawn(run)


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
        raise ValueError(f"the learning rate is {rate!r}; it must be above 0")
    with _changing(run):
        run.update_control({"learning_rate": float(rate)})


def rename(run: Run, name: str) -> None:
    """Give a run another name on the screen; its id stays. Raises ValueError or OSError."""
    with _changing(run):
        about = {"name": checked_name(name), "created": run.created}
        write_json(run.folder / "about.json", about)


def delete(run: Run) -> None:
    """Remove a run with all that it learned.

    Raises ValueError for one that runs or waits: it must be stopped first, so that nobody loses
    hours by one click. Raises OSError if files cannot be removed.
    """
    with _changing(run):
        if state(run) in LIVING:
            raise ValueError(f"{run.name} is {state(run)}; stop it first, then delete it")
        with run.locked():
            # Under a hidden name it is in no list, even if its files can only be removed in part.
            hidden = run.folder.with_name(f".deleted-{uuid.uuid4().hex}")
            try:
                run.folder.rename(hidden)
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
        if not _is_id(folder.name) or folder.is_symlink():
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
    for run in list_runs(root):
        if run.id == run_id:
            return run
    raise FileNotFoundError(f"there is no run {run_id[:80]!r}; choose one from the list")


def checked_name(name: str) -> str:
    """A name without spaces around it. Raises ValueError for one that is no line of text."""
    name = name.strip()
    if not name or not name.isprintable() or len(name) > LONGEST_NAME:
        raise ValueError(
            f"the name {name[:20]!r} has {len(name)} signs; "
            f"give one line of 1 to {LONGEST_NAME} letters, digits or signs"
        )
    return name


def _command(run: Run, command: Command) -> None:
    with _changing(run):
        found = state(run)
        if found not in LIVING:
            raise ValueError(
                f"{run.name} is {found}, so it cannot {command}; resume it to train on"
            )
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
            f"the run {run.id!r} is no longer there; choose one from the list"
        ) from error


def _spawn(run: Run) -> None:
    """Start the process that trains a run, and hand it the lock: at no moment nobody holds it."""
    with run.locked() as lock:
        if (run.folder / "control.json").exists():
            run.update_control({"command": None})
        run.update_status({"state": "queued", "queued_at": time.time()})
        environment = {
            "TQDM_MININTERVAL": "10",  # seconds between two lines of the log
            # Threads that wait for each other do so busily for a moment, then leave the processor
            # to the pages. Doing that at once takes 1.7 times as long; never, and a step waits
            # for a thread that has no processor.
            "GOMP_SPINCOUNT": "5000",
            **os.environ,
            INHERITED_LOCK: str(lock),
        }
        with (run.folder / LOG).open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "gptviz", "resume", str(run.folder.resolve())],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=environment,
                start_new_session=True,  # Ctrl-C in the server's terminal is not for it
                pass_fds=(lock,),
            )
    priority = max(NICE, os.getpriority(os.PRIO_PROCESS, 0))
    os.setpriority(os.PRIO_PROCESS, process.pid, priority)
    # Its end is taken note of, or it would stay in the list of processes.
    threading.Thread(target=process.wait, daemon=True).start()


def _new_folder(root: Path, name: str) -> Path:
    """An empty folder of its own for a run, by a name that is safe in a path and an address."""
    words = re.sub("[^A-Za-z0-9._-]+", "-", name).strip("-._")[: LONGEST_ID - 4] or "run"
    root.mkdir(parents=True, exist_ok=True)
    for number in range(1, 1000):
        folder = root / (words if number == 1 else f"{words}-{number}")
        try:
            folder.mkdir()
        except FileExistsError:
            continue
        return folder
    raise OSError(f"{root} holds a thousand runs named {name!r}; choose another name")


def _is_id(name: str) -> bool:
    in_order = re.fullmatch("[A-Za-z0-9_-][A-Za-z0-9._-]*", name) is not None
    return in_order and len(name) <= LONGEST_ID
