"""A run's numbers in TensorBoard's format, where the package `tensorboard` is installed."""

from importlib.util import find_spec
from typing import TYPE_CHECKING

from gptviz.disk import Row
from gptviz.runs import Run
from gptviz.training.record.observer import Observer

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter

TAGS = {
    "train_loss": "loss/train",
    "val_loss": "loss/validation",
    "lr": "learning_rate",
    "grad_norm": "gradient/norm",
    "tokens_per_second": "speed/tokens_per_second",
}


class TensorBoard(Observer):
    """Writes rows of metrics to RUN/tensorboard/; does nothing without the package."""

    def __init__(self, run: Run):
        self.folder = run.folder / "tensorboard"
        self.installed = find_spec("tensorboard") is not None
        self.writer: SummaryWriter | None = None

    def step_done(self, row: Row) -> None:
        """Add one step; the first one hides what an earlier process wrote of later steps."""
        if not self.installed:
            return
        if self.writer is None:
            from torch.utils.tensorboard import SummaryWriter  # takes a second to import

            self.writer = SummaryWriter(str(self.folder), purge_step=row["step"])
        for name, tag in TAGS.items():
            if name in row:
                self.writer.add_scalar(tag, row[name], row["step"])

    def closed(self) -> None:
        """Write what is still in memory."""
        if self.writer is not None:
            self.writer.close()
