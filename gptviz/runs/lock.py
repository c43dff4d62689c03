"""A file that one process holds at a time; the system frees it however that process dies."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import portalocker
from portalocker import LockFlags

from gptviz.disk_errors import in_words, require_ordinary

LONGEST_PROBE = 0.5  # seconds; asking whether a file is held takes it for a moment


@contextmanager
def held(path: Path, patience: float = LONGEST_PROBE) -> Iterator[None]:
    """Hold the file, which is made if need be.

    Raises BlockingIOError if another process holds it for longer than patience, in seconds,
    OSError in words if there can be no such file.
    """
    require_ordinary(path)
    try:
        opened = path.open("ab")
    except OSError as error:
        raise type(error)(in_words(error)) from error
    with opened as file:
        give_up = time.monotonic() + patience
        while True:
            try:
                portalocker.lock(file, LockFlags.EXCLUSIVE | LockFlags.NON_BLOCKING)
                break
            except portalocker.AlreadyLocked as error:
                if time.monotonic() > give_up:
                    raise BlockingIOError(f"another process holds {path}") from error
            except portalocker.LockException as error:
                raise OSError(f"{path} cannot be locked ({error})") from error
            time.sleep(0.01)
        try:
            yield
        finally:
            portalocker.unlock(file)  # Windows may take its time if the file is only closed


def is_held(path: Path) -> bool:
    """Whether a process holds the file. Asking takes nothing away and makes no file."""
    if not path.is_file():  # nobody can hold a pipe, and opening it could wait for ever
        return False
    try:
        with path.open("rb") as file:
            # Shared, so that two who ask at once do not take each other for the holder.
            portalocker.lock(file, LockFlags.SHARED | LockFlags.NON_BLOCKING)
            portalocker.unlock(file)
    except FileNotFoundError:
        return False
    except portalocker.AlreadyLocked:
        return True
    except portalocker.LockException as error:
        raise OSError(f"{path} cannot be locked ({error})") from error
    return False
