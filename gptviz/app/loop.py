"""The server's event loop, which is woken once for all that waits for it.

A page tells the loop of each of its hundred messages, and asyncio writes a byte to a socket for
each, though one wakes the loop for all: an eighth of the time of an answer.
"""

import asyncio
import sys


class WokenOnce(asyncio.SelectorEventLoop):
    """A loop that other threads wake with one byte, however much they hand over until it wakes."""

    _is_woken = False

    def _write_to_self(self) -> None:
        # What was handed over before the flag falls stands in the queue that the loop then works
        # off, so a byte that is left out here wakes nobody who would have slept.
        if not self._is_woken:
            self._is_woken = True
            super()._write_to_self()  # type: ignore[misc]

    def _process_self_data(self, data: bytes) -> None:
        self._is_woken = False
        super()._process_self_data(data)  # type: ignore[misc]  # which hands on signals


def new() -> asyncio.AbstractEventLoop:
    """A loop for the server; on Windows, whose loops are made otherwise, Python's own."""
    return asyncio.new_event_loop() if sys.platform == "win32" else WokenOnce()
