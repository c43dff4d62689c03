"""A file that one process holds at a time; the kernel frees it however that process dies."""

import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

LONGEST_PROBE = 0.5  # seconds for which somebody may hold it who only asks whether it is held


@contextmanager
def held(path: Path) -> Iterator[int]:
    """Hold the file, which is made if need be.

    Gives its file descriptor: a child process that inherits it holds the file, too. Raises
    BlockingIOError if another process holds it.
    """
    with path.open("w") as file:
        give_up = time.monotonic() + LONGEST_PROBE
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > give_up:
                    raise
                time.sleep(0.01)
        yield file.fileno()


def is_held(path: Path) -> bool:
    """Whether a process holds the file. Asking takes nothing away and makes no file."""
    try:
        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False
