"""All observers of a run as one."""

from collections.abc import Callable

from gptviz.disk import Row
from gptviz.training.record.observer import Observer
from gptviz.training.record.stopwatch import Stopwatch


class Observers(Observer):
    """Tells each observer of each event, in their order, the stopwatch first.

    So what a step took is known before anybody writes it down, and the time of the observers
    themselves counts as "other".
    """

    def __init__(self, stopwatch: Stopwatch, *others: Observer):
        self.stopwatch, self.all = stopwatch, (stopwatch, *others)

    def _tell(self, event: str, *details: object) -> None:
        for observer in self.all:
            getattr(observer, event)(*details)
        self.stopwatch.lap("other")

    def started(self, step: int) -> None:
        self._tell("started", step)

    def step_began(self) -> None:
        self._tell("step_began")

    def batches_drawn(self) -> None:
        self._tell("batches_drawn")

    def forward_done(self) -> None:
        self._tell("forward_done")

    def backward_done(self) -> None:
        self._tell("backward_done")

    def gradient_found(self, step: int) -> None:
        self._tell("gradient_found", step)

    def gradient_clipped(self, step: int) -> None:
        self._tell("gradient_clipped", step)

    def weights_updated(self, step: int) -> None:
        self._tell("weights_updated", step)

    def step_done(self, row: Row) -> None:
        self._tell("step_done", row)

    def stopped(self, step: int) -> None:
        self._tell("stopped", step)

    def closed(self) -> None:
        self._tell("closed")


class Callback(Observer):
    """Calls a function with the row of each step."""

    def __init__(self, on_step: Callable[[Row], None]):
        self.on_step = on_step

    def step_done(self, row: Row) -> None:
        self.on_step(row)
