"""One contestant of peers.py in a process of its own: orders come in as lines of JSON."""

import ctypes
import gc
import sys
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

name, *options = sys.argv[1].split("+")
if name == "gptviz":  # whoever imports it first also gets its setting of PyTorch's memory
    import gptviz  # noqa: F401

import torch  # noqa: E402
from contestants import CONTESTANTS, SHAPES, TEMPERATURE, TOP_K, Contestant  # noqa: E402
from orders import answer  # noqa: E402
from torch import Tensor  # noqa: E402


class Work:
    """Builds a contestant and lets it work."""

    def build(self, task: str, shape: str) -> dict[str, Any]:
        torch.manual_seed(0)
        self.task, self.vocab_size = task, SHAPES[shape]["vocab_size"]
        self.contestant: Contestant = CONTESTANTS[name](SHAPES[shape], task, set(options))
        return {}

    def once(self, size: list[int], tokens: int, seed: int) -> Any:
        ids = torch.randint(self.vocab_size, size, generator=torch.Generator().manual_seed(seed))
        if self.task == "train":
            return self.contestant.train_step(ids[:, :-1].contiguous(), ids[:, 1:].contiguous())
        if self.task == "trace":
            return self.contestant.trace(ids)
        written = self.contestant.generate(ids, tokens)
        assert written.shape == (1, size[1] + tokens), written.shape
        return written

    def work(self, size: list[int], tokens: int, seed: int) -> dict[str, Any]:
        gc.collect()
        with torch.inference_mode(self.task != "train"):
            began = time.perf_counter()
            result = self.once(size, tokens, seed)
            seconds = time.perf_counter() - began
        del result
        return {"seconds": seconds}

    def memory(self, size: list[int], tokens: int) -> dict[str, Any]:
        """The peak above what the process holds at rest, and what the result keeps, in bytes."""
        gc.collect()
        ctypes.CDLL("libc.so.6").malloc_trim(0)
        Path("/proc/self/clear_refs").write_text("5")  # sets the highest size back to today's
        before = resident("VmRSS")
        with torch.inference_mode(self.task != "train"):
            result = self.once(size, tokens, seed=0)
        return {"peak": resident("VmHWM") - before, "kept": sum(storages(result, {}).values())}

    def steps(self, tokens: int) -> dict[str, Any]:
        """The seconds of each generated token."""
        lm, times = self.contestant.lm, [time.perf_counter()]
        for _ in lm.generate(range(16), tokens, temperature=TEMPERATURE, top_k=TOP_K, seed=0):
            times.append(time.perf_counter())
        return {"seconds": [b - a for a, b in pairwise(times)]}


def resident(field: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024 * int(next(line for line in lines if line.startswith(field)).split()[1])


def storages(value: Any, found: dict[int, int]) -> dict[int, int]:
    """Bytes of every storage that tensors in this value use, each once."""
    if isinstance(value, Tensor):
        storage = value.untyped_storage()
        found[storage.data_ptr()] = storage.nbytes()
    elif isinstance(value, dict):
        storages(list(value.values()), found)
    elif isinstance(value, list | tuple):
        for part in value:
            storages(part, found)
    elif hasattr(value, "__dict__"):
        storages(vars(value), found)
    return found


if __name__ == "__main__":
    answer(Work())
