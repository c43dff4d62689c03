"""How much of the processor each visitor of a class may use for what takes long.

That is what `look_for_long` finds, maps that are worked out in many steps, and texts that the
model writes. What a page needs in order to be drawn is nobody's account.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from cachetools import LRUCache

from gptviz.app import visitors
from gptviz.app.long_work import Work

WINDOW = 60.0  # seconds that are looked back
VISITORS_KEPT = 2000
USED_UP = (
    "you have used {used:.0f} s of the processor in the last minute for what takes long, and each "
    "visitor of this class may use {most} s; wait a minute, choose a shorter text, or ask the "
    "teacher"
)

_lock = threading.Lock()
_spent: LRUCache[str, deque[tuple[float, float]]] = LRUCache(VISITORS_KEPT)  # when, and how long


class UsedUpError(ValueError):
    """A visitor of a class has used what there is for each in a minute."""


def require() -> None:
    """Raise UsedUpError in words if the visitor may begin, or go on with, nothing that is long."""
    limits = visitors.limits()
    if limits and (spent := used(visitors.here().id)) >= limits.max_seconds:
        raise UsedUpError(USED_UP.format(used=spent, most=limits.max_seconds))


def charge(seconds: float) -> None:
    """Note that the visitor has used the processor for so long."""
    if seconds <= 0 or visitors.limits() is None:
        return
    visitor = visitors.here().id
    with _lock:
        _spent[visitor] = kept = _spent.get(visitor) or deque()
        now = time.monotonic()
        if kept and now - kept[-1][0] < 1:  # a text is written in hundreds of little steps
            now, before = kept.pop()
            seconds += before
        kept.append((now, seconds))


def used(visitor: str) -> float:
    """Seconds of the processor that a visitor has used in the last minute."""
    with _lock:
        kept = _spent.get(visitor) or deque()
        while kept and time.monotonic() - kept[0][0] > WINDOW:
            kept.popleft()
        return sum(seconds for _, seconds in kept)


@contextmanager
def charged(clock: Callable[[], float] = time.thread_time) -> Iterator[None]:
    """Charge the visitor for what is done inside. Raises UsedUpError as `require` does.

    clock: what the processor has spent on it, in seconds.
    """
    require()
    begun = clock()
    try:
        yield
    finally:
        charge(clock() - begun)


class Bill:
    """What one visitor pays of work for which others may wait, too: their part of it."""

    def __init__(self, work: Work):
        self.work, self.paid = work, work.seconds

    def pay(self) -> None:
        """Charge the visitor for what was done since the last time."""
        new, self.paid = self.work.seconds - self.paid, self.work.seconds
        charge(new / max(1, self.work.waiting))
