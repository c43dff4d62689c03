"""A run's numbers in TensorBoard's format, where the package `tensorboard` is installed.

Its own writer works in a thread, and dies there with a traceback when it finds no room.
"""

import os
import socket
import time
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gptviz.disk import Row
from gptviz.runs import Run
from gptviz.training.record.observer import Observer, warn_if_unwritten

if TYPE_CHECKING:
    from tensorboard.summary.writer.record_writer import RecordWriter

TAGS = {
    "train_loss": "loss/train",
    "val_loss": "loss/validation",
    "lr": "learning_rate",
    "grad_norm": "gradient/norm",
    "tokens_per_second": "speed/tokens_per_second",
}
FLUSH = 10.0  # seconds for which rows may wait in memory


class TensorBoard(Observer):
    """Writes rows of metrics to RUN/tensorboard/; does nothing without the package."""

    def __init__(self, run: Run):
        self.run = run
        self.writes = find_spec("tensorboard") is not None
        self.writer: RecordWriter | None = None
        self.next_flush = 0.0

    def step_done(self, row: Row) -> None:
        """Add one step; the first one hides what an earlier process wrote of later steps."""
        if not self.writes:
            return
        self.writes = False  # unless it succeeds: what follows half a record could not be read
        with warn_if_unwritten(self.run, "what TensorBoard reads"):
            if self.writer is None:
                self.writer = _opened(self.run.folder / "tensorboard")
                _add(self.writer, step=row["step"], file_version="brain.Event:2")
                _add(self.writer, step=row["step"], session_log={"status": "START"})
            values = [
                {"tag": tag, "simple_value": row[name]} for name, tag in TAGS.items() if name in row
            ]
            _add(self.writer, step=row["step"], summary={"value": values})
            if time.monotonic() > self.next_flush:
                self.writer.flush()
                self.next_flush = time.monotonic() + FLUSH
            self.writes = True

    def closed(self) -> None:
        """Write what is still in memory."""
        if self.writer is not None:
            with warn_if_unwritten(self.run, "what TensorBoard reads"):
                self.writer.close()


def _opened(folder: Path) -> "RecordWriter":
    from tensorboard.summary.writer.record_writer import RecordWriter

    folder.mkdir(exist_ok=True)
    name = f"events.out.tfevents.{time.time():.6f}.{socket.gethostname()}.{os.getpid()}"
    return RecordWriter((folder / name).open("wb"))


def _add(writer: "RecordWriter", **content: Any) -> None:
    from tensorboard.compat.proto.event_pb2 import Event

    writer.write(Event(wall_time=time.time(), **content).SerializeToString())
