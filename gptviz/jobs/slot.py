"""One run trains at a time on a machine; the others wait in the order in which they came.

    SLOT/running              locked by the run that trains
    SLOT/queue/TIME-PROCESS   a ticket, locked by a run that waits; the times sort the queue
    SLOT/queue.lock           locked by who draws a ticket, and removes those of the dead

The system frees a lock however its process dies, so the slot is free at once and a dead run
holds up nobody.
"""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from gptviz import system
from gptviz.runs import lock

LOOKS = 0.2  # seconds between two looks at the queue
LONGEST = 20  # runs in the queue: each is a process of 25 to 50 MB
LONGEST_DRAW = 10.0  # seconds for which others may draw their tickets first


def folder() -> Path:
    """Where the slot lies: $GPTVIZ_SLOT, or a folder of this user's in the machine's temporary one.

    Runs that share it go one at a time.
    """
    return Path(os.environ.get("GPTVIZ_SLOT") or system.users_temporary_folder())


@contextmanager
def turn(
    queued_at: float,
    gives_up: Callable[[], bool] = lambda: False,
    on_wait: Callable[[int], None] = lambda ahead: None,
) -> Iterator[bool]:
    """Wait for the slot and hold it: true, or false if gives_up said so before.

    queued_at, in seconds since 1970, is the place in the queue; on_wait gets the number of those
    ahead at each look that is in vain. Raises OSError in words if the folder cannot be used,
    ValueError if the queue is full.
    """
    with ExitStack() as slot:
        with ExitStack() as ticket:
            try:
                (folder() / "queue").mkdir(parents=True, exist_ok=True)
                ticket.enter_context(_ticket_drawn(queued_at))
                (folder() / "running").touch()
            except OSError as error:
                raise OSError(
                    f"{folder()} cannot be used to queue for training "
                    f"({error.strerror or error}); name another folder in GPTVIZ_SLOT"
                ) from error
            ours = _wait(slot, queued_at, gives_up, on_wait)
        yield ours


def require_room() -> None:
    """Raise ValueError where so many wait that one more would wait for days."""
    if len(_waiting()) >= LONGEST:
        raise ValueError(
            f"{LONGEST} runs wait for their turn already, and no more can; try again when one of "
            f"them has begun, or stop one that waits"
        )


def ahead(queued_at: float) -> int:
    """How many that wait came before that time."""
    own = _ticket(queued_at, "")
    return sum(name < own for name in _waiting())


def _wait(
    slot: ExitStack, queued_at: float, gives_up: Callable[[], bool], on_wait: Callable[[int], None]
) -> bool:
    while True:
        n_ahead = ahead(queued_at)
        if n_ahead == 0:
            with suppress(BlockingIOError):
                slot.enter_context(lock.held(folder() / "running", patience=0))
                return True
        if gives_up():
            return False
        on_wait(n_ahead)
        time.sleep(LOOKS)


def _ticket(queued_at: float, process: object) -> str:
    return f"{queued_at:020.6f}-{process}"


@contextmanager
def _ticket_drawn(queued_at: float) -> Iterator[None]:
    path = folder() / "queue" / _ticket(queued_at, os.getpid())
    try:
        with ExitStack() as ticket:
            # Whoever draws one is alone with the queue: a ticket that is not locked is no newborn.
            with lock.held(folder() / "queue.lock", LONGEST_DRAW):
                for other in (folder() / "queue").glob("*-*"):
                    if not lock.is_held(other):
                        _remove(other)
                require_room()
                ticket.enter_context(lock.held(path))
            yield
    finally:
        _remove(path)


def _remove(ticket: Path) -> None:
    # Windows refuses it while somebody looks at the ticket; then whoever draws the next one does.
    with suppress(PermissionError):
        ticket.unlink(missing_ok=True)


def _waiting() -> list[str]:
    """The tickets of living processes."""
    return [path.name for path in (folder() / "queue").glob("*-*") if lock.is_held(path)]
