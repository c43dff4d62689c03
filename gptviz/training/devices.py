"""What a run computes on, and in which type."""

import time

import torch

from gptviz.training.config import Precision, TrainingConfig


def best_device() -> torch.device:
    """A GPU where there is one, else Apple's, else the processor."""
    if torch.cuda.is_available():
        return torch.device("cuda")
    if torch.backends.mps.is_available():
        return torch.device("mps")
    return torch.device("cpu")


def choose_dtype(precision: Precision, device: torch.device, config: TrainingConfig) -> torch.dtype:
    """The type of the large products; "auto" takes bfloat16 where it is measured to be quicker.

    Weights, their sums and the softmax stay float32 either way.
    """
    if precision != "auto":
        return getattr(torch, precision)
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float32
    if device.type == "mps":
        return torch.float32
    tokens = min(config.batch_size * config.model.block_size, 2048)
    seconds = {}
    for dtype in (torch.float32, torch.bfloat16):
        x = torch.ones(tokens, config.model.n_embd, dtype=dtype)
        weight = torch.ones(4 * config.model.n_embd, config.model.n_embd, dtype=dtype)
        times = []
        for _ in range(4):
            start = time.perf_counter()
            x @ weight.t()
            times.append(time.perf_counter() - start)
        seconds[dtype] = min(times)
    # Casting the weights costs something at each step, so a narrow win is none.
    return (
        torch.bfloat16 if seconds[torch.bfloat16] < 0.6 * seconds[torch.float32] else torch.float32
    )
