"""What a run computes on, in which type, and what to change where its memory is too small."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

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


@contextmanager
def memory_in_words(config: TrainingConfig, n_processes: int = 1) -> Iterator[None]:
    """Raise ValueError with the settings to change where a run needs more memory than there is."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        raise ValueError(
            f"the memory of the {best_device().type.upper()} is too small for this run; "
            f"begin one with {smaller(config, n_processes)}"
        ) from error


def is_out_of_memory(error: Exception) -> bool:
    """Whether memory could not be had; PyTorch has an error of its own for that on GPUs only."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    signs = ("can't allocate memory", "out of memory", "bad_alloc")
    return any(sign in str(error) for sign in signs)


def smaller(config: TrainingConfig, n_processes: int = 1) -> str:
    """Settings that need less memory: a smaller batch of which more are added up, if there is one.

    That learns the same. Else a shorter context or a narrower model, which does not.
    """
    model, batch = config.model, config.batch_size
    for size in range(batch // 2, 0, -1):
        if batch % size == 0 and size % n_processes == 0:
            accumulation = config.accumulation * batch // size
            return (
                f"batch_size {size} and accumulation {accumulation}, which learns the same in "
                f"smaller parts"
            )
    width = max(1, model.n_embd // model.n_head // 2) * model.n_head
    return (
        f"block_size {max(1, model.block_size // 2)} instead of {model.block_size}, "
        f"or n_embd {width} instead of {model.n_embd}"
    )
