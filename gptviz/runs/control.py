"""What a run is asked to do while it runs: to pause, to stop, to learn at another rate."""

import math
import os
import time
from collections.abc import Callable

from gptviz.runs import Command, Control, Run

LOOKS = 0.25  # seconds between two looks at control.json


class Requests:
    """Looks at control.json now and then, and asks should_stop each time it is asked itself."""

    def __init__(self, run: Run, should_stop: Callable[[], bool] = lambda: False):
        self.run, self.should_stop = run, should_stop
        self.rates = run.rates
        self.wanted: Control = {}
        self.seen: tuple[int, int] | None = None
        self.next_look = -math.inf

    def command(self) -> Command | None:
        """What the run is to do, if anything: "pause" or "stop"."""
        self._look()
        if self.should_stop():
            return "stop"
        command = self.wanted.get("command")
        return command if command in ("pause", "stop") else None

    def highest_rate(self, step: int) -> float:
        """The highest rate of the schedule at a step (from 0).

        A new rate is written to rates.json with its step, so that a run which is resumed from an
        earlier one follows the same curve.
        """
        self._look()
        usual = self.run.config.learning_rate
        wish = self.wanted.get("learning_rate")
        latest = self.rates[-1]["learning_rate"] if self.rates else usual
        if isinstance(wish, int | float) and 0 < wish < math.inf and wish != latest:
            before = [rate for rate in self.rates if rate["step"] < step]
            self.rates = [*before, {"step": step, "learning_rate": float(wish)}]
            self.run.write_rates(self.rates)
        in_force = [rate["learning_rate"] for rate in self.rates if rate["step"] <= step]
        return in_force[-1] if in_force else usual

    def _look(self) -> None:
        now = time.monotonic()
        if now < self.next_look:
            return
        self.next_look = now + LOOKS
        try:
            stat = os.stat(self.run.folder / "control.json")
            if (stat.st_mtime_ns, stat.st_ino) != self.seen:
                self.wanted = self.run.control
                self.seen = (stat.st_mtime_ns, stat.st_ino)
        except (OSError, ValueError):  # a file that is missing or broken asks for nothing
            self.wanted = {}
