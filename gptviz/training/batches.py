"""What a step reads: windows of the text, and passages that repeat.

A model finds out how to copy only if copying pays, and a text of a few million tokens pays little:
so a run may practise. First come lessons with few tokens and short windows, where looking back is
all that there is to learn; then a share of the windows goes on practising beside the text. Why it
begins with few tokens: to copy any of them, a model must recognise each in the past by its vector
and write it into the logits, and only then does looking in the right place pay. With 64 tokens
that takes some hundred steps, and what was learnt then serves a larger vocabulary.
"""

import math
from collections.abc import Collection, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from gptviz.tokenizers import Tokenizer
from gptviz.training.config import TrainingConfig
from gptviz.training.data import count

UNKNOWABLE = -100  # target of a token that cannot be predicted; PyTorch's ignore_index
COMMON = 8192  # tokens from which repeated passages are made, the commonest of the text
FEW = 64  # of these, the tokens that the lessons begin with
MANY = 4096  # and those that they end with
LESSON_LENGTH = 64  # tokens of a lesson's window
SHORTEST = 6  # tokens of a passage


@dataclass(frozen=True)
class Candidates:
    """The tokens over which a step's softmax runs, instead of the whole vocabulary."""

    ids: Tensor  # (N,)
    # Added to their logits. Where a token was drawn with probability q, −ln q: so that the sum over
    # the drawn ones is, on average, that over all.
    bias: Tensor  # (N,) float32


@dataclass(frozen=True)
class Batch:
    """Texts and the tokens that follow, for one forward and backward pass."""

    inputs: Tensor  # (B, T) ids
    targets: Tensor  # (B, T) ids, or UNKNOWABLE
    candidates: Candidates | None = None  # None: the whole vocabulary
    dropout: bool = True  # random tokens cannot be memorised, so lessons do without it

    @property
    def n_targets(self) -> int:
        """How many tokens the loss is the mean of."""
        return int((self.targets != UNKNOWABLE).sum())


class Reader:
    """Makes the batches of a run: the same ones whenever a generator has the same seed."""

    def __init__(self, ids: np.ndarray, config: TrainingConfig, line_ends: Collection[int] = ()):
        self.ids, self.config, self.line_ends = ids, config, line_ends
        practises = bool(config.copy_steps or config.repeat_share)
        counted = practises or config.vocab_sample
        found = by_frequency(ids, config.model.vocab_size) if counted else torch.empty(0).long()
        self.common = found[:COMMON]
        if practises and len(self.common) < 2:
            raise ValueError(
                f"the text has {len(self.common)} different tokens; practising to copy needs 2"
            )

    def batch(self, step: int, generator: torch.Generator) -> Batch:
        """What the given step (from 0) learns from."""
        config = self.config
        if step < config.copy_steps:
            return self.lesson(step, generator)
        B, T = config.batch_size, config.model.block_size
        n_repeated, parts = self.n_repeated(generator), []
        if n_repeated < B:
            ends, share = self.line_ends, config.line_start_share
            parts.append(random_batch(self.ids, B - n_repeated, T, generator, ends, share))
        if n_repeated:
            parts.append(repeated(self.common, n_repeated, T, T * 3 // 8, generator))
        inputs, targets = (torch.cat(part) for part in zip(*parts, strict=True))
        return Batch(inputs, targets, self.candidates(targets, generator))

    def n_repeated(self, generator: torch.Generator) -> int:
        """How many windows of a batch go on practising: on average, their share of it."""
        whole, rest = divmod(self.config.batch_size * self.config.repeat_share, 1)
        return int(whole) + (rest > 0 and float(torch.rand((), generator=generator)) < rest)

    def lesson(self, step: int, generator: torch.Generator) -> Batch:
        """Only repeated passages, of more different tokens in later steps."""
        config = self.config
        few, many = (min(n, len(self.common)) for n in (FEW, MANY))
        grown = max(0.0, (step / config.copy_steps - 0.4) / 0.6)
        active = self.common[: round(few * (many / few) ** grown)]
        T = min(LESSON_LENGTH, config.model.block_size)
        rows = config.batch_size * (config.model.block_size // T)
        inputs, targets = repeated(active, rows, T, T // 2, generator)
        return Batch(inputs, targets, Candidates(active, torch.zeros(len(active))), False)

    def candidates(self, targets: Tensor, generator: torch.Generator) -> Candidates | None:
        """vocab_sample tokens, half the commonest and half drawn of the rest, and all targets."""
        n, V = self.config.vocab_sample, self.config.model.vocab_size
        if not 0 < n < V:
            return None
        certain = torch.zeros(V, dtype=torch.bool)
        certain[self.common[: n // 2]] = True
        certain[targets[targets != UNKNOWABLE]] = True
        rest = (~certain).nonzero().squeeze(1)
        drawn = rest[torch.randperm(len(rest), generator=generator)[: n - n // 2]]
        ids = torch.cat((certain.nonzero().squeeze(1), drawn))
        bias = torch.zeros(len(ids))
        bias[len(ids) - len(drawn) :] = math.log(len(rest) / max(1, len(drawn)))
        return Candidates(ids, bias)


def random_batch(
    ids: np.ndarray,
    batch_size: int,
    block_size: int,
    generator: torch.Generator,
    line_ends: Collection[int] = (),
    line_start_share: float = 0.0,
) -> tuple[Tensor, Tensor]:
    """Windows from random places, inputs and targets (B, T) each; a target is the next token.

    Of the windows, line_start_share are moved on to where the next line begins, as what people
    type does: after the next of line_ends, if there is one within a window's length.
    """
    starts = torch.randint(len(ids) - block_size, (batch_size,), generator=generator)
    windows = np.stack([ids[start : start + block_size + 1] for start in starts.tolist()])
    if line_start_share:
        moved = torch.rand(batch_size, generator=generator) < line_start_share
        for row in moved.nonzero().flatten().tolist():
            ends = np.isin(windows[row], list(line_ends))
            first = int(starts[row]) + int(ends.argmax()) + 1
            if ends.any() and first + block_size < len(ids):
                windows[row] = ids[first : first + block_size + 1]
    rows = torch.from_numpy(windows.astype(np.int64))
    return rows[:, :-1], rows[:, 1:]


def line_ends(tokenizer: Tokenizer) -> list[int]:
    """The tokens after which a line begins: those that end in a newline, and the end of a text."""
    ends = [] if tokenizer.end_of_text is None else [tokenizer.end_of_text]
    return ends + [
        token
        for token in range(tokenizer.vocab_size)
        if token not in ends and tokenizer.token_bytes(token).endswith(b"\n")
    ]


def by_frequency(ids: np.ndarray, vocab_size: int) -> Tensor:
    """The different ids of a text, the commonest first."""
    counts = count(ids, vocab_size)
    order = np.argsort(-counts, kind="stable")
    return torch.from_numpy(order[: np.count_nonzero(counts)])


def repeated(
    tokens: Tensor, n_rows: int, T: int, longest: int, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Rows of one random passage each, repeated until the row is full: inputs and targets, (n, T).

    A passage has SHORTEST to longest different tokens of the given ones. Targets within its first
    occurrence are UNKNOWABLE.
    """
    longest = max(2, min(longest, len(tokens)))
    lengths = torch.randint(min(SHORTEST, longest), longest + 1, (n_rows, 1), generator=generator)
    rows = torch.empty(n_rows, T + 1, dtype=torch.long)
    for row, length in zip(rows, lengths.flatten().tolist(), strict=True):
        passage = tokens[torch.randperm(len(tokens), generator=generator)[:length]]
        row.copy_(passage.repeat(-(-(T + 1) // length))[: T + 1])
    # That the passage starts again cannot be predicted either, the first time.
    unknowable = torch.arange(1, T + 1) <= lengths
    return rows[:, :-1], rows[:, 1:].masked_fill(unknowable, UNKNOWABLE)


def windows_in_order(
    ids: np.ndarray, batch_size: int, block_size: int, n_windows: int | None = None
) -> Iterator[tuple[Tensor, Tensor]]:
    """Windows side by side, so that each token is a target at most once; inputs and targets.

    With n_windows, that many of them spread evenly over the whole.
    """
    n = (len(ids) - 1) // block_size
    n_chosen = n if n_windows is None else min(n, n_windows)
    for first in range(0, n_chosen, batch_size):
        chosen = range(first, min(first + batch_size, n_chosen))
        starts = [i * (n - 1) // max(1, n_chosen - 1) * block_size for i in chosen]
        rows = np.stack([ids[start : start + block_size + 1] for start in starts])
        windows = torch.from_numpy(rows.astype(np.int64))
        yield windows[:, :-1], windows[:, 1:]
