"""How a picture came about: the same look at a run's model after more and more steps.

Each function takes moments, an iterator of (step, model) such as `moments` gives, and looks at
one model at a time: whatever a run kept, no more than one of its models is in memory.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from gptviz import generation, language_model
from gptviz.language_model import LanguageModel
from gptviz.subjects.embeddings import analysis as embeddings
from gptviz.tokenizers import Tokenizer
from gptviz.training.record.snapshots import surplus

if TYPE_CHECKING:
    from gptviz.runs import Run

T = TypeVar("T")
Moments = Iterable[tuple[int, LanguageModel]]


@dataclass(frozen=True, eq=False)
class Trajectory:
    """One array a step, all of one shape."""

    steps: list[int]
    values: np.ndarray  # (len(steps), …) float32

    def at(self, step: int) -> Tensor:
        """The array of one step. Raises ValueError for a step that is not among them."""
        if step not in self.steps:
            raise ValueError(f"step {step} came; choose one of {self.steps}")
        return torch.from_numpy(self.values[self.steps.index(step)])


def moments(run: "Run") -> Iterator[tuple[int, LanguageModel]]:
    """The models that a run kept as snapshots, in the order of their steps.

    Each is loaded when it is asked for; one that was removed meanwhile is left out. Raises
    ValueError for one that is broken.
    """
    for step in run.snapshots:
        try:
            lm = language_model.load(run.snapshot(step))
        except FileNotFoundError:  # thinned out, or a resumed run repeats its step
            continue
        yield step, lm
        del lm  # or it would live on while the next one is loaded


def patterns(moments: Moments, ids: Sequence[int], layer: int, head: int) -> Trajectory:
    """One head's attention pattern of a text (T,) at each step: (steps, T, T).

    Raises ValueError in words for a text that does not fit, a layer or a head that is not there.
    """
    name = f"h.{layer}.attn.pattern"

    def look(lm: LanguageModel) -> np.ndarray:
        lm.config.require_attention()
        if not 0 <= head < lm.config.n_head:
            raise ValueError(f"head {head} came; heads run from 0 to {lm.config.n_head - 1}")
        return lm.trace(ids, [name])[name][head].cpu().numpy()

    return _trajectory(moments, look)


def distributions(moments: Moments, ids: Sequence[int]) -> Trajectory:
    """The probability of every token after a text at each step: (steps, V).

    Raises ValueError in words for a text that cannot be read.
    """

    def look(lm: LanguageModel) -> np.ndarray:
        logits = generation.next_logits(lm.model, lm.ids(ids))
        return logits.softmax(-1).cpu().numpy()

    return _trajectory(moments, look)


def cosines(moments: Moments, token: int) -> Trajectory:
    """The cosine of one token's embedding with every token's at each step: (steps, V).

    −inf for the token itself. Raises IndexError for a token that the model does not have.
    """

    def look(lm: LanguageModel) -> np.ndarray:
        found = embeddings.vocabulary_cosines(lm, lm.model.wte.weight[token][None])[0]
        found[token] = -np.inf
        return found.cpu().numpy()

    return _trajectory(moments, look)


def strongest(
    trajectory: Trajectory, tokenizer: Tokenizer, n: int = 8, name: str = "value"
) -> pd.DataFrame:
    """How the tokens that have the largest values (steps, V) in the end came to have them.

    One row a step and token: step, rank in the end (from 1), token, id, and the value under its
    name. Raises ValueError if there is no step.
    """
    if not trajectory.steps:
        raise ValueError("there is no snapshot yet; wait for the first one")
    ids = np.argsort(-trajectory.values[-1], kind="stable")[:n]
    ids = ids[trajectory.values[-1][ids] > -np.inf]
    n_steps = len(trajectory.steps)
    return pd.DataFrame(
        {
            "step": np.repeat(trajectory.steps, len(ids)),
            "rank": np.tile(np.arange(1, len(ids) + 1), n_steps),
            "token": tokenizer.pieces(ids.tolist()) * n_steps,
            "id": np.tile(ids, n_steps),
            name: trajectory.values[:, ids].ravel(),
        }
    )


def _looks(moments: Moments, look: Callable[[LanguageModel], T]) -> Iterator[tuple[int, T]]:
    for step, lm in moments:
        seen = look(lm)
        del lm  # or it would live on while the next one is loaded
        yield step, seen


def _trajectory(moments: Moments, look: Callable[[LanguageModel], np.ndarray]) -> Trajectory:
    steps, values = [], []
    for step, value in _looks(moments, look):
        steps.append(step)
        values.append(value)
    return Trajectory(steps, np.array(values, dtype=np.float32))


def board(table: pd.DataFrame) -> tuple[np.ndarray, list[str]]:
    """The values of a table of `strongest`, (steps, K), and the K tokens."""
    n = int(table["rank"].max())
    return table.iloc[:, -1].to_numpy().reshape(-1, n), table["token"].tolist()[:n]


def spread(steps: Sequence[int], chosen: int, most: int) -> list[int]:
    """At most so many of the steps, spread over all, with the chosen one among them."""
    shown = sorted(set(steps) - set(surplus(steps, most)))
    if chosen not in shown:
        nearest = min(shown[1:-1], key=lambda step: abs(steps.index(step) - steps.index(chosen)))
        shown[shown.index(nearest)] = chosen
    return sorted(shown)
