"""Where the time of a training step goes."""

import time

import torch

from gptviz.training.history import PARTS


class Stopwatch:
    """Sums up seconds by part: data, forward, backward, optimizer, and other for all the rest."""

    def __init__(self, device: torch.device):
        self.device = device
        self.parts = dict.fromkeys(PARTS, 0.0)
        self.at = time.perf_counter()

    def lap(self, part: str) -> None:
        """All time since the last call went into this part."""
        if self.device.type != "cpu":  # a GPU is still at work when Python goes on
            getattr(torch, self.device.type).synchronize()
        now = time.perf_counter()
        self.parts[part] += now - self.at
        self.at = now

    def take(self) -> dict[str, float]:
        """The seconds of each part so far, which are then counted anew."""
        self.lap("other")
        parts, self.parts = self.parts, dict.fromkeys(PARTS, 0.0)
        return {part: round(seconds, 6) for part, seconds in parts.items()}
