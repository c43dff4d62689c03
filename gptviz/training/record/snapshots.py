"""What a run looked like on its way: models in half precision, at steps that a learner visits.

    RUN/snapshots/step-000600/   a model folder without an optimiser, which gptviz.load opens

Most happens early, so the steps lie evenly on a log scale. Step 0 is the model that has not
learned anything.
"""

import math
from collections.abc import Sequence
from pathlib import Path

import torch

from gptviz import checkpoints, system
from gptviz.checkpoints import steps
from gptviz.disk import Row, remove_partial, whole_folder
from gptviz.model import GPT
from gptviz.runs import Run
from gptviz.tokenizers import Tokenizer
from gptviz.training.config import TrainingConfig
from gptviz.training.record.observer import Observer, warn_if_unwritten

MOST_BYTES = 2**30  # of all snapshots of a run


class Snapshots(Observer):
    """Saves the model at the planned steps, and at a stop."""

    def __init__(self, run: Run, model: GPT, tokenizer: Tokenizer):
        self.run, self.model, self.tokenizer = run, model, tokenizer
        self.n = fitting(run.config.snapshots, model)
        self.plan = planned(run.config, model)
        self.last = -1  # the step of the last snapshot

    def started(self, step: int) -> None:
        forget_after(self.run, step or -1)
        self.last = max(self.run.snapshots, default=-1)
        if step == 0 and 0 in self.plan:
            self.save(0)

    def step_done(self, row: Row) -> None:
        if row["step"] in self.plan:
            self.save(row["step"])

    def stopped(self, step: int) -> None:
        if self.plan and step != self.last:
            self.save(step)

    def save(self, step: int) -> None:
        """Save the model as it is now, and remove what is then too much."""
        self.last = step
        with warn_if_unwritten(self.run, f"the snapshot of step {step}"):
            save(self.run, step, self.model, self.tokenizer)
            thin(self.run, self.n)


def planned(config: TrainingConfig, model: GPT) -> set[int]:
    """The steps at which a run of this model keeps a snapshot."""
    return set(snapshot_steps(config.steps, fitting(config.snapshots, model)))


def snapshot_steps(steps: int, n: int) -> list[int]:
    """At most n of the steps from 0 to steps, evenly spaced on a log scale, both ends among them.

    Where neighbours would round to the same step, the next free one is taken. If n is 1, it is the
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

    The one whose neighbours lie closest together goes first, and so on; the first and the last
    stay (if one is left, the last).
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
    with whole_folder(run.snapshot(step)) as partial:
        checkpoints.save(partial, model, tokenizer, torch.float16)


def thin(run: Run, n: int) -> None:
    """Remove snapshots until at most n are left and they keep within the limit in bytes."""
    steps = run.snapshots
    if not steps:
        return
    size = max(1, max(_size(run.snapshot(step)) for step in steps))
    for step in surplus(steps, min(n, MOST_BYTES // size)):
        system.remove_folder(run.snapshot(step))


def forget_after(run: Run, step: int) -> None:
    """Remove the snapshots of steps that a resumed run repeats, and unfinished ones."""
    for later in run.snapshots:
        if later > step:
            system.remove_folder(run.snapshot(later))
    remove_partial(run.folder / steps.SNAPSHOTS)


def _size(path: Path) -> int:
    return sum(file.stat().st_size for file in path.iterdir())
