"""Where the time of a training step goes."""

import math
import time

import torch

from gptviz.disk import Row
from gptviz.runs import Run
from gptviz.training.record.metrics import PARTS
from gptviz.training.record.observer import Observer


class Stopwatch(Observer):
    """Adds up seconds by part of a step, and adds them to the step's row.

    The parts are data, forward, backward, optimizer, and other for all the rest. Tokens a second
    are those of the step alone; "other" is the time since the step before. seconds is the training
    time since the run began, without pauses.
    """

    def __init__(self, run: Run, device: torch.device):
        self.run, self.device = run, device
        self.seconds = 0.0
        self.parts = dict.fromkeys(PARTS, 0.0)
        self.last = time.perf_counter()

    def lap(self, part: str) -> None:
        """All time since the last call went into this part."""
        if self.device.type != "cpu":  # a GPU is still at work when Python goes on
            getattr(torch, self.device.type).synchronize()
        now = time.perf_counter()
        self.parts[part] += now - self.last
        self.last = now

    def started(self, step: int) -> None:
        earlier = [row for row in self.run.metrics if row.get("step", math.inf) <= step]
        self.seconds = earlier[-1].get("seconds", 0.0) if earlier else 0.0

    def step_began(self) -> None:
        self.lap("other")

    def batches_drawn(self) -> None:
        self.lap("data")

    def forward_done(self) -> None:
        self.lap("forward")

    def backward_done(self) -> None:
        self.lap("backward")

    def gradient_found(self, step: int) -> None:  # noqa: ARG002
        self.lap("other")  # the processes of a group have exchanged their losses

    def gradient_clipped(self, step: int) -> None:  # noqa: ARG002
        self.lap("optimizer")

    def weights_updated(self, step: int) -> None:  # noqa: ARG002
        self.lap("optimizer")

    def step_done(self, row: Row) -> None:
        self.lap("other")
        parts, self.parts = self.parts, dict.fromkeys(PARTS, 0.0)
        parts = {part: round(seconds, 6) for part, seconds in parts.items()}
        whole = sum(parts.values())
        self.seconds += whole
        row["tokens_per_second"] = self.run.config.tokens_per_step / (whole - parts["other"])
        row["seconds"] = round(self.seconds, 6)
        row["time"] = parts
