"""Learning one batch by heart: the first test of a network that does not learn.

The same few texts are read again and again. A network, a loss and an optimiser that work together
bring the loss down to the least that these texts allow; one with a mistake in it often does not.
"""

import copy
import functools
import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gptviz.config import GPTConfig
from gptviz.jobs.presets import shape
from gptviz.model import GPT
from gptviz.tokenizers.baselines import SHAKESPEARE, shakespeare_characters
from gptviz.training.batches import random_batch
from gptviz.training.config import TrainingConfig
from gptviz.training.optimizer import new_optimizer

Rows = tuple[tuple[int, ...], ...]

MOST_STEPS, CHUNK = 200, 10  # steps of a training, and between two looks at it
LEARNT = 0.05  # nats above the least possible loss: a mean probability of 95 % of it
LAYERS, HEADS, WIDTH = 2, 4, 64
DEEP = 6  # layers of the model without shortcuts
RATE = 3e-3
LONGEST = 64  # tokens of a prompt
WINDOWS, CHARACTERS = 8, 32  # of the plays
READ = 100_000  # characters of them from which windows come


@dataclass(frozen=True)
class Fault:
    """A mistake that is built in on purpose."""

    title: str
    rate: float = RATE
    n_layer: int = LAYERS
    residual: bool = True


FAULTS: Mapping[str, Fault] = {
    "nothing": Fault("nothing"),
    "rate-too-low": Fault("rate × 0.001", rate=RATE / 1000),
    "rate-too-high": Fault("rate × 300", rate=RATE * 300),
    "no-step": Fault("the step is forgotten"),
    "other-targets": Fault("targets mixed up"),
    "no-shortcuts": Fault("6 layers, no shortcuts", n_layer=DEEP, residual=False),
    "not-shifted": Fault("targets not shifted"),
}


@dataclass(frozen=True)
class Case:
    """What is learnt, and what is wrong with how."""

    rows: Rows  # texts of equal length, as ids from 0 on without gaps
    fault: str = "nothing"
    seed: int = 0


@dataclass(frozen=True)
class Course:
    """A training on one batch up to a step; as an argument it stands for itself."""

    case: Case
    step: int
    losses: tuple[float, ...] = field(compare=False, default=())  # nats a token, before each step
    norms: tuple[float, ...] = field(compare=False, default=())  # of the gradients, unclipped
    model: GPT | None = field(compare=False, default=None, repr=False)
    optimizer: torch.optim.Optimizer | None = field(compare=False, default=None, repr=False)

    @property
    def nbytes(self) -> int:
        """Of its weights, and of the two running means of each."""
        return 3 * sum(p.nbytes for p in self.model.parameters()) if self.model else 0

    @property
    def least(self) -> float:
        """The least loss that the batch allows."""
        return 0.0 if self.case.fault == "not-shifted" else least(self.case.rows)

    @property
    def is_learnt(self) -> bool:
        """Whether the last loss is about the least possible."""
        return bool(self.losses) and self.losses[-1] < self.least + LEARNT

    @property
    def is_over(self) -> bool:
        """Whether there is nothing more to do."""
        return self.is_learnt or self.step >= MOST_STEPS or not self.is_number

    @property
    def is_number(self) -> bool:
        """Whether the loss still is one."""
        return not self.losses or math.isfinite(self.losses[-1])


def of_prompt(ids: Sequence[int]) -> Rows:
    """A batch of one row: the first tokens of a text. Raises ValueError for fewer than two."""
    if len(ids) < 2:
        raise ValueError("a batch needs a token to guess, and 1 token came; type a longer text")
    return _numbered([list(ids[: LONGEST + 1])])


def of_plays(seed: int = 0) -> Rows:
    """A batch of windows from the plays that ship with gptviz, a token a character."""
    generator = torch.Generator().manual_seed(seed)
    inputs, targets = random_batch(_ids(), WINDOWS, CHARACTERS, generator)
    return _numbered(torch.cat((inputs, targets[:, -1:]), 1).tolist())


def least(rows: Rows) -> float:
    """The least mean loss of a batch, in nats a token, for a network that knows it by heart.

    Where two rows begin alike and go on differently, nothing that only looks back can know which
    of them it reads: there the entropy of what follows is left.
    """
    follows: dict[tuple[int, ...], Counter[int]] = defaultdict(Counter)
    for row in rows:
        for i in range(1, len(row)):
            follows[row[:i]][row[i]] += 1
    nats = [
        -n * math.log(n / counts.total()) for counts in follows.values() for n in counts.values()
    ]
    return sum(nats) / sum(len(row) - 1 for row in rows)


def counting(rows: Rows) -> float:
    """The least loss of a guess that is the same everywhere: how often each token is a target."""
    counts = Counter(token for row in rows for token in row[1:])
    n = counts.total()
    return -sum(k / n * math.log(k / n) for k in counts.values())


def begin(case: Case) -> Course:
    """Before the first step: a tiny GPT for as many tokens as there are in the batch."""
    fault = FAULTS[case.fault]
    config = GPTConfig(
        n_tokens(case.rows),
        **shape(fault.n_layer, HEADS, WIDTH, len(case.rows[0]) - 1),
        residual=fault.residual,
    )
    model = GPT(config, torch.Generator().manual_seed(case.seed)).train()
    settings = TrainingConfig(config, str(SHAKESPEARE), weight_decay=0.0)
    return Course(case, 0, (), (), model, new_optimizer(model, settings))


def further(course: Course, n_steps: int = CHUNK) -> Course:
    """The course after some more steps, or fewer if it is over before; the given one stays."""
    model, optimizer = copy.deepcopy((course.model, course.optimizer))
    assert model is not None
    assert optimizer is not None
    fault = FAULTS[course.case.fault]
    for group in optimizer.param_groups:
        group["lr"] = fault.rate
    for _ in range(n_steps):
        if course.is_over:
            break
        inputs, targets = _read(course.case, course.step)
        with torch.enable_grad():
            loss = F.cross_entropy(model(inputs).flatten(0, 1), targets.flatten())
            loss.backward()
        norm = nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        if course.case.fault != "no-step":
            optimizer.step()
        optimizer.zero_grad()
        losses, norms = (*course.losses, loss.item()), (*course.norms, norm.item())
        course = Course(course.case, course.step + 1, losses, norms, model, optimizer)
    return course


def overfit(
    rows: Rows, fault: str = "nothing", seed: int = 0, steps: int = MOST_STEPS
) -> pd.DataFrame:
    """The loss of a tiny GPT that reads nothing but one batch, until it knows it by heart.

    rows are texts of equal length as ids, from `of_prompt` or `of_plays`; fault is one of FAULTS.
    Columns: step (from 1), loss (nats a token, before the step), norm (of the gradient).
    """
    return table(further(begin(Case(rows, fault, seed)), steps))


def table(course: Course) -> pd.DataFrame:
    """The steps of a course; columns as in `overfit`."""
    steps = range(1, course.step + 1)
    return pd.DataFrame({"step": steps, "loss": course.losses, "norm": course.norms})


def n_tokens(rows: Rows) -> int:
    """How many different tokens there are in a batch."""
    return len({token for row in rows for token in row})


def _read(case: Case, step: int) -> tuple[Tensor, Tensor]:
    """What the network reads at a step and is to guess, (B, T) each."""
    ids = torch.tensor(case.rows)
    inputs, targets = ids[:, :-1], ids[:, 1:]
    if case.fault == "not-shifted":
        return inputs, inputs
    if case.fault == "other-targets":  # each belongs to some other place of the batch
        generator = torch.Generator().manual_seed(step)
        order = torch.randperm(targets.numel(), generator=generator)
        return inputs, targets.flatten()[order].view_as(targets)
    return inputs, targets


def _numbered(rows: Sequence[Sequence[int]]) -> Rows:
    """The same rows with ids from 0 on, in the order of the old ones."""
    new = {old: i for i, old in enumerate(sorted({token for row in rows for token in row}))}
    return tuple(tuple(new[token] for token in row) for row in rows)


@functools.cache
def _ids() -> np.ndarray:
    text = SHAKESPEARE.read_text(encoding="utf-8")[:READ]
    return np.array(shakespeare_characters().encode(text), dtype=np.uint8)
