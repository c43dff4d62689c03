"""What a run looked like on its way: models in half precision, at steps that a learner visits.

    RUN/snapshots/step-000600/   a model folder without an optimiser, which gptviz.load opens

Most happens early, so the steps lie evenly on a log scale. Step 0 is the model that has not
learned anything. A snapshot appears whole or not at all.
"""

import math
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

import torch

from gptviz import checkpoints
from gptviz.model import GPT
from gptviz.tokenizers import Tokenizer
from gptviz.training.runs import Run

MOST_BYTES = 2**30  # of all snapshots of a run


def snapshot_steps(steps: int, n: int) -> list[int]:
    """At most n of the steps from 0 to steps, evenly spaced on a log scale, both ends among them.

    Where neighbours would round to the same step, the next free one is taken. One alone is the
    last step.
    """
    if n < 2:
        return [steps][:n]
    chosen = [0, min(1, steps)] if n > 2 else [0]
    for left in range(n - len(chosen), 0, -1):
        last = max(chosen[-1], 1)
        chosen.append(max(chosen[-1] + 1, round(last * (steps / last) ** (1 / left))))
    return sorted({min(step, steps) for step in chosen})


def surplus(steps: Sequence[int], n: int) -> list[int]:
    """Which of these steps go so that n are left, as evenly spaced on a log scale as before.

    Again and again the one whose neighbours lie closest together; the first and the last stay
    (of one alone, the last).
    """
    kept = sorted(steps)
    while len(kept) > max(n, 2):
        gaps = [
            math.log1p(after) - math.log1p(before)
            for before, after in zip(kept, kept[2:], strict=False)
        ]
        del kept[1 + gaps.index(min(gaps))]
    return sorted(set(steps) - set(kept[-n:] if n else []))


def fitting(n: int, model: GPT) -> int:
    """How many of n snapshots of a model keep within the limit in bytes."""
    return min(n, MOST_BYTES // (model.n_parameters * torch.float16.itemsize))


def save(run: Run, step: int, model: GPT, tokenizer: Tokenizer) -> None:
    """Write the snapshot of a step. Raises OSError in words; earlier snapshots stay."""
    final = run.snapshot(step)
    partial = final.with_name(f".{final.name}.partial")
    try:
        shutil.rmtree(partial, ignore_errors=True)
        checkpoints.save(partial, model, tokenizer, torch.float16)
        shutil.rmtree(final, ignore_errors=True)
        os.replace(partial, final)
    except OSError:
        shutil.rmtree(partial, ignore_errors=True)
        raise


def thin(run: Run, n: int) -> None:
    """Remove snapshots until at most n are left and they keep within the limit in bytes."""
    steps = run.snapshots
    if not steps:
        return
    size = max(1, max(_size(run.snapshot(step)) for step in steps))
    for step in surplus(steps, min(n, MOST_BYTES // size)):
        shutil.rmtree(run.snapshot(step), ignore_errors=True)


def forget_after(run: Run, step: int) -> None:
    """Remove the snapshots of steps that are taken again."""
    for later in run.snapshots:
        if later > step:
            shutil.rmtree(run.snapshot(later), ignore_errors=True)


def _size(path: Path) -> int:
    return sum(file.stat().st_size for file in path.iterdir())
