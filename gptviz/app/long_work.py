"""Work that takes long, in a thread of its own: done once for all, and left when nobody waits."""

import threading
import time
from collections.abc import Callable, Hashable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any

Progress = Callable[[int, int], None]  # how much is done, of how much

_lock = threading.Lock()
_under_way: dict[Hashable, "Work"] = {}


class NobodyWaitsError(Exception):
    """Raised inside of work whose result nobody wants any more; it ends there."""


class Work:
    """One piece of work that is under way, and how many wait for it."""

    def __init__(self, key: Hashable):
        self.key = key
        self.waiting = 0
        self.share = 0.0  # of it that is done, from 0 to 1
        self.seconds = 0.0  # that the processor has spent on it
        self.found: Future[Any] = Future()

    def run(self, compute: Callable[[Progress], Any]) -> None:
        """Do it, and hand what was found, or what went wrong, to all who wait."""
        self._begun = time.thread_time()
        try:
            found = compute(self.progress)
        except BaseException as error:
            self._is_over()
            self.found.set_exception(error)
        else:
            self._is_over()
            self.found.set_result(found)

    def progress(self, done: int, whole: int) -> None:
        """Note how far it is. Raises NobodyWaitsError if everybody has left."""
        self.share = done / max(1, whole)
        self.seconds = time.thread_time() - self._begun
        with _lock:
            if not self.waiting:
                # In one step, for who comes now must not wait for what is about to end.
                _under_way.pop(self.key, None)
                raise NobodyWaitsError

    def _is_over(self) -> None:
        self.seconds = time.thread_time() - self._begun
        with _lock:
            if _under_way.get(self.key) is self:
                del _under_way[self.key]


@contextmanager
def waiting(key: Hashable, compute: Callable[[Progress], Any]) -> Iterator[Work]:
    """Wait, inside of the block, for work of this key: for that under way, or else begin it.

    compute gets a function to tell its progress to, and ends there if nobody waits any more.
    """
    with _lock:
        work = _under_way.get(key)
        begins = work is None
        if work is None:
            work = _under_way[key] = Work(key)
        work.waiting += 1
    if begins:
        threading.Thread(target=work.run, args=(compute,), daemon=True).start()
    try:
        yield work
    finally:
        with _lock:
            work.waiting -= 1
