"""The processes that train one run together: usually only this one, several under torchrun.

The process of rank 0 leads: only it reads the text, writes the run's folder and decides. Before
each step it broadcasts what to do (see gptviz.training.distributed). A group of one has nobody to
tell, so here most methods do nothing, and none needs PyTorch before it is called.
"""

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn
    from torch.optim import Optimizer

    from gptviz.runs import Command
    from gptviz.training.batches import Batch
    from gptviz.training.config import TrainingConfig


@dataclass(frozen=True)
class RunMessage:
    """What the other processes need to know before the first step."""

    config: "TrainingConfig"
    device: str
    dtype: "torch.dtype"
    resumed: bool  # whether the optimiser remembers earlier steps
    scale: dict[str, Any]  # state of the scaler that float16 needs; empty for others


@dataclass(frozen=True)
class StepMessage:
    """What the other processes need to know before each step."""

    batches: Sequence["Batch"]  # of all processes together
    seed: int
    learning_rate: float


class ProcessGroup:
    """A group of one: a process that trains without others."""

    rank = 0  # of this process; 0 leads
    world_size = 1  # number of processes
    command: "Command | None" = None  # what another process was asked to do

    def device(self) -> "torch.device":
        """What this process computes on."""
        from gptviz.training.devices import best_device

        return best_device()

    def require_divisible(self, batch_size: int) -> None:
        """Raise ValueError if a batch cannot be divided evenly."""
        if batch_size % self.world_size:
            raise ValueError(
                f"batch_size {batch_size} cannot be shared out among {self.world_size} processes; "
                f"choose {batch_size // self.world_size * self.world_size or self.world_size} "
                f"or another multiple of {self.world_size}"
            )

    def broadcast(self, message: RunMessage | StepMessage) -> None:
        """Rank 0 tells the other processes what comes next."""

    def keep_waiting(self) -> None:
        """Rank 0 lets the others know that it is alive, while it is busy with something else."""

    def end(self) -> None:
        """Let all processes end. Raises ConnectionError if one of them is already gone."""

    def shard(self, batch: "Tensor") -> "Tensor":
        """The rows of a batch that this process reads."""
        return batch

    def data_parallel(self, module: "nn.Module") -> "nn.Module":
        """The module, with rank 0's weights in all processes and the mean of their gradients."""
        return module

    def broadcast_optimizer(self, optimizer: "Optimizer") -> None:
        """Give all processes the running means of rank 0's optimiser."""

    def backward(
        self,
        module: "nn.Module",  # noqa: ARG002 - only several processes exchange its gradients
        last: bool,  # noqa: ARG002
    ) -> AbstractContextManager[object]:
        """Around a forward and backward pass; after the last of a step, gradients are averaged."""
        return nullcontext()

    def mean(self, loss: float) -> float:
        """The mean of the losses of all processes."""
        return loss

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        """However the process ends, no other one may go on waiting for it."""


ALONE = ProcessGroup()
