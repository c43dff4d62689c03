"""The processes that train one run together: usually this one alone, several under torchrun.

The first of them leads: it alone reads the text, writes the run's folder and decides. Before each
step it sends the others what to do (see gptviz.training.distributed). A process alone has nobody
to tell, so nothing here does anything; nor does it need PyTorch.
"""

import os
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn
    from torch.optim import Optimizer

    from gptviz.training.batches import Batch
    from gptviz.training.config import TrainingConfig
    from gptviz.training.runs import Command


@dataclass(frozen=True)
class Setup:
    """What the other processes need to know before the first step."""

    config: "TrainingConfig"
    device: str
    dtype: "torch.dtype"
    begun: bool  # whether the optimiser remembers earlier steps


@dataclass(frozen=True)
class Step:
    """What they are to do in a step."""

    batches: Sequence["Batch"]  # of the whole team
    seed: int
    learning_rate: float


class Team:
    """A process that trains alone."""

    rank = 0  # of this process; 0 leads
    size = 1  # how many processes there are
    command: "Command | None" = None  # what another process was asked to do

    def device(self) -> "torch.device":
        """What this process computes on."""
        from gptviz.training.devices import best_device

        return best_device()

    def require_divisible(self, batch_size: int) -> None:
        """Raise ValueError if a batch cannot be shared out evenly."""
        if batch_size % self.size:
            raise ValueError(
                f"batch_size {batch_size} cannot be shared out among {self.size} processes; "
                f"choose {batch_size // self.size * self.size or self.size} "
                f"or another multiple of {self.size}"
            )

    def send(self, order: Setup | Step) -> None:
        """Tell the others what comes next."""

    def keep_waiting(self) -> None:
        """Let the others know that the first process still lives, while it is busy elsewhere."""

    def assist(self, should_stop: Callable[[], bool]) -> None:
        """Do what the first process says until the end; it hears of should_stop.

        Raises ValueError or ConnectionError in words if that cannot be done.
        """

    def end(self) -> None:
        """Send the others home. Raises ConnectionError if one of them is gone already."""

    def part(self, batch: "Tensor") -> "Tensor":
        """This process's rows of a batch of the whole team."""
        return batch

    def wrapped(self, module: "nn.Module") -> "nn.Module":
        """The module as one that all have alike, with a gradient that is the mean of all."""
        return module

    def share_memory(self, optimizer: "Optimizer") -> None:
        """Give all the first one's running means."""

    def backward(
        self,
        module: "nn.Module",  # noqa: ARG002 - only several processes exchange its gradients
        last: bool,  # noqa: ARG002
    ) -> AbstractContextManager[object]:
        """A forward and a backward pass; gradients are exchanged after the last one of a step."""
        return nullcontext()

    def mean(self, loss: float) -> float:
        """The mean of what all found."""
        return loss

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        """However it came to its end: nobody may wait for this process any longer."""


ALONE = Team()


def join() -> Team:
    """The team that torchrun put this process in, or else this process alone.

    Raises ValueError or OSError in words if the others cannot be joined.
    """
    if int(os.environ.get("WORLD_SIZE") or 1) == 1:
        return ALONE
    from gptviz.training.distributed import Together

    return Together()
