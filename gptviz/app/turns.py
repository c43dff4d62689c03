"""Whose turn it is: one computation at a time, in the order of asking, short ones first."""

import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

LOOKS_EVERY = 0.05  # seconds, after which one who waits looks whether it still needs the turn
SHORT_IN_A_ROW = 4  # turns of short work after which long work gets one, or it might never end


class Turns:
    """Who waits for the processor.

    With a plain lock, one that asks again at once, as one that writes a text does after each
    token, would leave the others waiting for minutes. Long work, which takes one turn after the
    other, lets short work go first: a picture is not to wait until everybody's text is written.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._at_work: threading.Event | None = None
        self._short: deque[threading.Event] = deque()
        self._long: deque[threading.Event] = deque()
        self._short_in_a_row = 0

    @contextmanager
    def take(self, long: bool, look: Callable[[], None] = lambda: None) -> Iterator[None]:
        """Wait for a turn and have it inside of the block.

        look is called while waiting and once before the block; what it raises gives the turn up.
        """
        turn, waiting = threading.Event(), self._long if long else self._short
        with self._lock:
            waiting.append(turn)
            self._next()
        try:
            has_come = False
            while not has_come:
                has_come = turn.wait(LOOKS_EVERY)
                look()
            yield
        finally:
            with self._lock:
                if self._at_work is turn:
                    self._at_work = None
                else:
                    waiting.remove(turn)
                self._next()

    def _next(self) -> None:
        if self._at_work or not (self._short or self._long):
            return
        is_long = not self._short or bool(self._long and self._short_in_a_row >= SHORT_IN_A_ROW)
        self._short_in_a_row = 0 if is_long else self._short_in_a_row + 1
        self._at_work = (self._long if is_long else self._short).popleft()
        self._at_work.set()
