"""One run trains at a time on a machine; the others wait in the order in which they came.

    SLOT/running              locked by the run that trains
    SLOT/queue/TIME-PROCESS   a ticket, locked by a run that waits; the times sort the queue

The kernel frees a lock however its process dies, so the slot is free at once and a dead run
holds up nobody.
"""

import fcntl
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

LOOKS = 0.2  # seconds between two looks at the queue


def folder() -> Path:
    """Where the slot lies: $GPTVIZ_SLOT, or a folder of this user's in the machine's temporary one.

    Runs that share it go one at a time.
    """
    usual = Path(tempfile.gettempdir()) / f"gptviz-{os.getuid()}"
    return Path(os.environ.get("GPTVIZ_SLOT") or usual)


@contextmanager
def turn(
    queued_at: float,
    gives_up: Callable[[], bool] = lambda: False,
    on_wait: Callable[[int], None] = lambda ahead: None,
) -> Iterator[bool]:
    """Wait for the slot and hold it: true, or false if gives_up said so before.

    queued_at, in seconds since 1970, is the place in the queue; on_wait gets the number of those
    ahead at each look that is in vain. Raises OSError in words if the folder cannot be used.
    """
    try:
        (folder() / "queue").mkdir(parents=True, exist_ok=True)
        ticket = _locked_ticket(queued_at)
        slot = (folder() / "running").open("w")
    except OSError as error:
        raise OSError(
            f"{folder()} cannot be used to queue for training ({error.strerror}); "
            f"name another folder in GPTVIZ_SLOT"
        ) from error
    with slot, ticket:
        try:
            ours = _wait(slot, queued_at, gives_up, on_wait)
        finally:
            Path(ticket.name).unlink(missing_ok=True)
        yield ours


def ahead(queued_at: float) -> int:
    """How many that wait came before that time."""
    own = _ticket(queued_at, "")
    return sum(name < own for name in _waiting())


def _wait(
    slot: TextIO, queued_at: float, gives_up: Callable[[], bool], on_wait: Callable[[int], None]
) -> bool:
    while True:
        n_ahead = ahead(queued_at)
        if n_ahead == 0:
            try:
                fcntl.flock(slot, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return True
            except BlockingIOError:
                pass
        if gives_up():
            return False
        on_wait(n_ahead)
        time.sleep(LOOKS)


def _ticket(queued_at: float, process: object) -> str:
    return f"{queued_at:020.6f}-{process}"


def _locked_ticket(queued_at: float) -> TextIO:
    path = folder() / "queue" / _ticket(queued_at, os.getpid())
    while True:
        file = path.open("w")
        fcntl.flock(file, fcntl.LOCK_EX)
        if path.exists():
            return file
        file.close()  # another run took it for a dead one's before it was locked


def _waiting() -> list[str]:
    """The tickets of living processes; those of dead ones are removed."""
    living = []
    for path in (folder() / "queue").glob("*-*"):
        try:
            with path.open("rb") as file:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
                path.unlink(missing_ok=True)
        except FileNotFoundError:
            pass
        except BlockingIOError:
            living.append(path.name)
    return living
