"""The events of a run, for those who watch it learn."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from gptviz.disk import Row
from gptviz.disk_errors import advice, reason
from gptviz.runs import Run


class Observer:
    """Watches a run learn. An event does nothing unless an observer overrides it.

    Steps count from 1, as in metrics.jsonl; step 0 is the model that has not learned anything. An
    observer neither draws from the process's random numbers nor changes the model, so a run learns
    the same with it and without.
    """

    def started(self, step: int) -> None:
        """The run begins (0) or goes on after this step: what was recorded of later ones goes."""

    def step_began(self) -> None:
        """The next step is about to draw its batches."""

    def batches_drawn(self) -> None:
        """The batches of the step are there."""

    def forward_done(self) -> None:
        """The loss of one batch is known."""

    def backward_done(self) -> None:
        """The gradient of one batch is added to that of the step."""

    def gradient_found(self, step: int) -> None:
        """The gradient of the step is complete, and not clipped yet."""

    def gradient_clipped(self, step: int) -> None:
        """The optimiser is about to change the weights."""

    def weights_updated(self, step: int) -> None:
        """The optimiser has changed the weights."""

    def step_done(self, row: Row) -> None:
        """The step is over; row holds its numbers, and "val_loss" if there was a validation."""

    def stopped(self, step: int) -> None:
        """The run ends before its last step, perhaps for good."""

    def closed(self) -> None:
        """The process trains this run no longer, for whatever reason."""


@contextmanager
def warn_if_unwritten(run: Run, what: str) -> Iterator[None]:
    """Go on training if something finds no room on the disk, and say so in the status, once."""
    try:
        yield
    except OSError as error:
        if run.status.get("warning"):
            return
        warning = (
            f"{what} could not be written ({reason(error)}); training goes on, and what was "
            f"written before is kept, so {advice(error)}"
        )
        with suppress(OSError):  # the disk is full
            run.update_status({"warning": warning})
