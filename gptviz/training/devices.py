"""What a run computes on, in which type, and what to change where its memory is too small."""

import logging
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from gptviz.model import Attention
from gptviz.setting import SettingError
from gptviz.training.config import Precision, TrainingConfig

log = logging.getLogger("gptviz")

# Measured on two cores in bfloat16, forward and backward: PyTorch's fused attention takes 3 to 4
# times as long as attention step by step up to 128 tokens, 1.1 to 1.6 times at 256 and 1.2 times at
# 512. From there on the memory for the patterns, which grows with the square, counts more.
SHORT_TEXT = 256
FALLBACK = "PYTORCH_ENABLE_MPS_FALLBACK"  # PyTorch's own name, which its error tells


def best_device() -> torch.device:
    """A GPU where there is one, else Apple's, else the processor."""
    if torch.cuda.is_available():
        return torch.device("cuda")
    if torch.backends.mps.is_available():
        return torch.device("mps")
    return torch.device("cpu")


def choose_dtype(precision: Precision, device: torch.device, config: TrainingConfig) -> torch.dtype:
    """The type of the large products; "auto" takes bfloat16 where it is measured to be quicker.

    Weights, their sums and the softmax stay float32 either way. Raises SettingError as
    `require_precision` does.
    """
    require_precision(precision, device)
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
    log.info(
        "a product takes %.2f ms in float32 and %.2f ms in bfloat16",
        1000 * seconds[torch.float32],
        1000 * seconds[torch.bfloat16],
    )
    # Casting the weights costs time at each step, so a small gain does not count.
    return (
        torch.bfloat16 if seconds[torch.bfloat16] < 0.6 * seconds[torch.float32] else torch.float32
    )


def require_precision(precision: Precision, device: torch.device) -> None:
    """Raise SettingError for float16 on a processor, which is slow at it."""
    if precision == "float16" and device.type == "cpu":
        raise SettingError(
            "{precision} is float16, which needs a GPU, and there is none here that PyTorch can "
            "use; choose auto, float32 or bfloat16"
        )


def choose_attention(config: TrainingConfig, device: torch.device, dtype: torch.dtype) -> Attention:
    """The quicker of two ways to compute the same attention."""
    short = config.model.block_size <= SHORT_TEXT
    slow_fused = device.type == "cpu" and dtype == torch.bfloat16 and short
    return "explicit" if slow_fused else "fused"


@contextmanager
def memory_in_words(config: TrainingConfig, n_processes: int = 1) -> Iterator[None]:
    """Raise ValueError with the settings to change where a run needs more memory than there is."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        where = "this machine" if best_device().type == "cpu" else "the GPU"
        raise ValueError(
            f"the memory of {where} is too small for these settings: begin a run with "
            f"{smaller(config, n_processes)}"
        ) from error


@contextmanager
def gaps_in_words() -> Iterator[None]:
    """Raise ValueError with the way out where PyTorch lacks an operator on Apple's GPUs."""
    try:
        yield
    except NotImplementedError as error:
        if FALLBACK not in str(error):
            raise
        missing = re.search(r"aten::[\w.]+", str(error))
        raise ValueError(
            f"PyTorch {torch.__version__} does not know {missing[0] if missing else 'an operator'} "
            f"on Apple's GPUs: set the environment variable {FALLBACK}=1 before gptviz starts, so "
            f"that the processor does this part, and resume the run"
        ) from error


def is_out_of_memory(error: Exception) -> bool:
    """Whether memory ran out; only for GPUs does PyTorch raise an error type of its own."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    signs = ("can't allocate memory", "out of memory", "bad_alloc")
    return any(sign in str(error) for sign in signs)


def smaller(config: TrainingConfig, n_processes: int = 1) -> str:
    """Settings that need about half the memory, in words.

    If a batch can be divided, of parts that are added up, for that learns the same; else of a
    shorter context or a narrower model.
    """
    model, batch = config.model, config.batch_size
    context = f"block_size {max(1, model.block_size // 2)} instead of {model.block_size}"
    width = max(1, model.n_embd // model.n_head // 2) * model.n_head
    less = f"{context} or n_embd {width} instead of {model.n_embd}"
    for size in range(batch // 2, 0, -1):
        if batch % size == 0 and size % n_processes == 0:
            accumulation = config.accumulation * batch // size
            return (
                f"batch_size {size} and accumulation {accumulation}, which learns the same in "
                f"smaller parts; if even that is too much, {less}"
            )
    return less
