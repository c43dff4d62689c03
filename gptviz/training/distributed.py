"""Several processes train one run: on the GPUs of a machine, or on several machines.

torchrun starts them and tells each its rank. All have the same model; each reads its shard of
every batch, and DistributedDataParallel (Li et al., 2020) averages their gradients, so that all
change their weights in the same way. Rank 0 leads: what it broadcasts is all that the others need,
so they have neither the text nor the run's folder, and decide nothing.
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

from gptviz.training.devices import gaps_in_words, memory_in_words
from gptviz.training.learner import Learner
from gptviz.training.optimizer import empty_memory
from gptviz.training.process_group import ProcessGroup, RunMessage, StepMessage

TIMEOUT = timedelta(minutes=10)  # how long a process may be silent
WAIT, END = "wait", "end"


class DistributedGroup(ProcessGroup):
    """One of several processes. Raises ConnectionError from any call if another one is gone."""

    def __init__(self) -> None:
        for name in ("RANK", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT"):
            if name not in os.environ:
                raise ValueError(
                    f"WORLD_SIZE says that this is one of several processes, but {name} is not "
                    f"set; start them with: torchrun --nproc-per-node 2 -m gptviz train …"
                )
        self.broken = False  # whether an exchange was broken off
        self.ended = False
        self.should_stop: Callable[[], bool] = lambda: False
        self.world_size, self.rank = int(os.environ["WORLD_SIZE"]), int(os.environ["RANK"])
        gpu = self.device().type == "cuda"
        with self.contact():
            # Messages go from processor to processor, so that they need not wait for a GPU.
            backend = "cpu:gloo,cuda:nccl" if gpu else "gloo"
            dist.init_process_group(backend, timeout=TIMEOUT)

    def device(self) -> torch.device:
        return device_of_this_process()

    def broadcast(self, message: RunMessage | StepMessage | str) -> None:
        with self.contact():
            dist.broadcast_object_list([message], 0, device=torch.device("cpu"))

    def keep_waiting(self) -> None:
        with suppress(ConnectionError):  # the next message will find out, too
            self.broadcast(WAIT)

    def receive(self) -> Any:
        """The next message of rank 0; None at the end."""
        message: list[Any] = [WAIT]
        with self.contact():
            while message[0] == WAIT:
                dist.broadcast_object_list(message, 0, device=torch.device("cpu"))
        return None if message[0] == END else message[0]

    def end(self) -> None:
        if not self.ended:
            self.ended = True
            if self.rank == 0:
                self.broadcast(END)
            with self.contact():
                dist.all_reduce(torch.zeros(1))  # which only works if all are there

    def shard(self, batch: Tensor) -> Tensor:
        return batch.chunk(self.world_size)[self.rank]

    def data_parallel(self, module: nn.Module) -> nn.Module:
        with self.contact():
            return DistributedDataParallel(module)

    def broadcast_optimizer(self, optimizer: Optimizer) -> None:
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
        return sums[0].item() / self.world_size

    @contextmanager
    def contact(self) -> Iterator[None]:
        """Around an exchange between all; raises ConnectionError if a process cannot be reached."""
        gone = f"another of the {self.world_size} processes is gone, or cannot be reached"
        if self.broken:
            raise ConnectionError(gone)
        self.broken = True
        try:
            yield
        except RuntimeError as error:  # Gloo raises no type of its own, but names itself
            if isinstance(error, dist.DistError) or "gloo" in str(error):
                raise ConnectionError(gone) from error
            raise
        self.broken = False

    def __exit__(self, *error: object) -> None:
        # The others notice an error of this process when its connections close.
        if not self.broken and (self.rank == 0 or error[0] is None):
            with suppress(ConnectionError):  # nothing is left to do anyway
                self.end()
        dist.destroy_process_group()


def follow(group: DistributedGroup, should_stop: Callable[[], bool]) -> None:
    """Do in a process of another rank what rank 0 says, until the end; it hears of should_stop.

    Raises ValueError or ConnectionError in words if that cannot be done.
    """
    group.should_stop = should_stop
    run = group.receive()
    if run is None:
        return
    device = group.device()
    if device.type != run.device:
        raise ValueError(
            f"process {group.rank} computes on {device.type}, the first one on {run.device}; "
            f"all must have the same kind of device"
        )
    with memory_in_words(run.config, group.world_size), gaps_in_words():
        learner = Learner(run.config, device, run.dtype, group)
        learner.scaler.load_state_dict(run.scale)
        learner.share(run.resumed)
        while step := group.receive():
            learner.gradient(step.batches, step.seed)
            learner.clip()
            learner.update(step.learning_rate)


def device_of_this_process() -> torch.device:
    """A GPU for each process of a machine that has GPUs, else the processor for all of them.

    Raises ValueError if there are too few GPUs.
    """
    if not torch.cuda.is_available():
        return torch.device("cpu")
    local, n_gpus = int(os.environ["LOCAL_RANK"]), torch.cuda.device_count()
    if local >= n_gpus:
        raise ValueError(
            f"this machine has {n_gpus} GPUs and more processes than that; "
            f"start with --nproc-per-node {n_gpus}"
        )
    torch.cuda.set_device(local)
    return torch.device("cuda")
