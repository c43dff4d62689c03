"""How much each head is an induction head, at each snapshot of a run.

RUN/induction.jsonl   {"step", "scores", "loss_first", "loss_second"}
"""

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from gptviz.checkpoints.weights import unfilled
from gptviz.disk import Row, append_row, drop_rows_after, rows
from gptviz.language_model import LanguageModel
from gptviz.model import GPT
from gptviz.runs import INDUCTION, Run
from gptviz.subjects.induction.analysis import induction_scores
from gptviz.tokenizers import Tokenizer
from gptviz.training.record.observer import Observer, warn_if_unwritten
from gptviz.training.record.snapshots import planned

KEYS = ("scores", "loss_first", "loss_second")


@dataclass(frozen=True)
class RecordedInduction:
    """The induction score of every head at each snapshot, and what the model gains by it."""

    steps: np.ndarray  # (S,)
    scores: np.ndarray  # (S, L, H), 0 to 1
    loss_first: np.ndarray  # (S,), in nats a token, of random tokens that occur for the first time
    loss_second: np.ndarray  # (S,), of the same tokens when they repeat


class Induction(Observer):
    """Looks for induction heads at the steps of the snapshots, and at a stop."""

    def __init__(self, run: Run, model: GPT, tokenizer: Tokenizer):
        self.run, self.model, self.tokenizer = run, model, tokenizer
        self.path = run.folder / INDUCTION
        self.plan = planned(run.config, model)
        self.last = -1  # the step of the last row

    def started(self, step: int) -> None:
        drop_rows_after(self.path, step or -1)
        self.last = max((row["step"] for row in rows(self.path)), default=-1)
        if step == 0 and 0 in self.plan:
            self.write(0)

    def step_done(self, row: Row) -> None:
        if row["step"] in self.plan:
            self.write(row["step"])

    def stopped(self, step: int) -> None:
        if self.plan and step != self.last:
            self.write(step)

    def write(self, step: int) -> None:
        """Add the scores of the model as it is now."""
        self.last = step
        with suppress(ValueError):  # the model is too small to have induction heads
            found = induction_scores(view(self.model, self.tokenizer))
            values = (found.heads, found.loss_first, found.loss_second)
            with warn_if_unwritten(self.run, f"the row of step {step} in {INDUCTION}"):
                append_row(self.path, {"step": step, **dict(zip(KEYS, values, strict=True))})


def read(folder: Path) -> RecordedInduction:
    """The scores of the run in a folder so far; nothing if it measured none."""
    found = [row for row in rows(folder / INDUCTION) if set(KEYS) <= row.keys()]
    steps = np.array([row["step"] for row in found], dtype=int)
    scores, first, second = (np.array([row[key] for row in found], dtype=float) for key in KEYS)
    return RecordedInduction(steps, scores if found else np.empty((0, 0, 0)), first, second)


def view(model: GPT, tokenizer: Tokenizer) -> LanguageModel:
    """A model in training as one that can be traced: a second one that shares its weights."""
    twin = unfilled(model.config)
    twin.load_state_dict(model.state_dict(), assign=True)
    return LanguageModel(twin, tokenizer, "training", "training")
