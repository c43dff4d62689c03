"""Several processes train one run: on the GPUs of a machine, or on several machines.

torchrun starts them and tells each its rank. All have the same model; each reads its part of
every batch, and DistributedDataParallel (Li et al., 2020) makes the mean of their gradients, so
that all correct their weights alike. The first process leads: what it sends is all that the
others need, so they have neither the text nor the run's folder, and decide nothing.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from datetime import timedelta
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel
from torch.optim import Optimizer

from gptviz.training.devices import memory_in_words
from gptviz.training.learner import Learner
from gptviz.training.optimizer import empty_memory
from gptviz.training.team import Setup, Step, Team

LONGEST_SILENCE = timedelta(minutes=10)  # after which the others are given up
WAIT, END = "wait", "end"


class Together(Team):
    """One of several processes. Raises ConnectionError from any call if another one is gone."""

    def __init__(self) -> None:
        for name in ("RANK", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT"):
            if name not in os.environ:
                raise ValueError(
                    f"WORLD_SIZE says that this is one of several processes, but {name} is not "
                    f"set; start them with: torchrun --nproc-per-node 2 -m gptviz train …"
                )
        self.broken = False  # whether the others may be in the midst of something
        self.ended = False
        self.should_stop: Callable[[], bool] = lambda: False
        self.size, self.rank = int(os.environ["WORLD_SIZE"]), int(os.environ["RANK"])
        gpu = self.device().type == "cuda"
        with self.contact():
            # Orders go between processors, so that they need not wait for a GPU.
            backend = "cpu:gloo,cuda:nccl" if gpu else "gloo"
            dist.init_process_group(backend, timeout=LONGEST_SILENCE)

    def device(self) -> torch.device:
        return device_of_this_process()

    def send(self, order: Setup | Step | str) -> None:
        with self.contact():
            dist.broadcast_object_list([order], 0, device=torch.device("cpu"))

    def keep_waiting(self) -> None:
        with suppress(ConnectionError):  # the next order tells that
            self.send(WAIT)

    def assist(self, should_stop: Callable[[], bool]) -> None:
        self.should_stop = should_stop
        setup = self.received()
        if setup is None:
            return
        device = self.device()
        if device.type != setup.device:
            raise ValueError(
                f"process {self.rank} computes on {device.type}, the first one on {setup.device}; "
                f"all must have the same kind of device"
            )
        with memory_in_words(setup.config, self.size):
            learner = Learner(setup.config, device, setup.dtype, self)
            learner.share(setup.begun)
            while step := self.received():
                learner.gradient(step.batches, step.seed)
                learner.clip()
                learner.update(step.learning_rate)

    def received(self) -> Any:
        """What the first process says next; None at the end."""
        order: list[Any] = [WAIT]
        with self.contact():
            while order[0] == WAIT:
                dist.broadcast_object_list(order, 0, device=torch.device("cpu"))
        return None if order[0] == END else order[0]

    def end(self) -> None:
        if not self.ended:
            self.ended = True
            if self.rank == 0:
                self.send(END)
            with self.contact():
                dist.all_reduce(torch.zeros(1))  # which only works if all are there

    def part(self, batch: Tensor) -> Tensor:
        return batch.chunk(self.size)[self.rank]

    def wrapped(self, module: nn.Module) -> nn.Module:
        with self.contact():
            return DistributedDataParallel(module)

    def share_memory(self, optimizer: Optimizer) -> None:
        with self.contact():
            for group in optimizer.param_groups:
                for parameter in group["params"]:
                    if self.rank:
                        optimizer.state[parameter] = empty_memory(group, parameter)
                    for key in empty_memory(group, parameter):
                        dist.broadcast(optimizer.state[parameter][key], 0)

    @contextmanager
    def backward(self, module: nn.Module, last: bool) -> Iterator[None]:
        assert isinstance(module, DistributedDataParallel)
        with self.contact(), nullcontext() if last else module.no_sync():
            yield

    def mean(self, loss: float) -> float:
        sums = torch.tensor([loss, float(self.should_stop())], dtype=torch.float64)
        with self.contact():
            dist.all_reduce(sums)
        if sums[1]:
            self.command = "stop"
        return sums[0].item() / self.size

    @contextmanager
    def contact(self) -> Iterator[None]:
        """What all do together, or say in words that another process cannot be reached."""
        gone = f"another of the {self.size} processes is gone, or cannot be reached"
        if self.broken:
            raise ConnectionError(gone)
        self.broken = True
        try:
            yield
        except RuntimeError as error:  # Gloo has no error of its own, but tells where it comes from
            if isinstance(error, dist.DistError) or "gloo" in str(error):
                raise ConnectionError(gone) from error
            raise
        self.broken = False

    def __exit__(self, *error: object) -> None:
        # The others learn of an error of another process when its connections close.
        if not self.broken and (self.rank == 0 or error[0] is None):
            with suppress(ConnectionError):  # a run that is done is done
                self.end()
        dist.destroy_process_group()


def device_of_this_process() -> torch.device:
    """A GPU for each process of a machine that has GPUs, else the processor for all of them.

    Raises ValueError if there are too few GPUs.
    """
    if not torch.cuda.is_available():
        return torch.device("cpu")
    local, n_gpus = int(os.environ["LOCAL_RANK"]), torch.cuda.device_count()
    if local >= n_gpus:
        raise ValueError(
            f"this machine has {n_gpus} GPUs and a process too many for them; "
            f"start with --nproc-per-node {n_gpus}"
        )
    torch.cuda.set_device(local)
    return torch.device("cuda")
