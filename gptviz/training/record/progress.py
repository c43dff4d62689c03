"""How far a run is, in status.json, for those who do not read its metrics."""

import time

from gptviz.disk import Row
from gptviz.runs import Run
from gptviz.training.record.observer import Observer

INTERVAL = 1.0  # seconds


class Progress(Observer):
    """Writes the step that was done last into the status, now and then."""

    def __init__(self, run: Run):
        self.run = run
        self.next_time = time.monotonic() + INTERVAL

    def step_done(self, row: Row) -> None:
        if time.monotonic() > self.next_time:
            self.run.update_status({"step": row["step"]})
            self.next_time = time.monotonic() + INTERVAL
