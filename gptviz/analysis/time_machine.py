"""How a picture came about: the same look at a run's model after more and more steps.

Each function takes moments, an iterator of (step, model) such as `moments` gives, and looks at
one model at a time: whatever a run kept, no more than one of its models is in memory.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import pandas as pd

from gptviz import generation, language_model
from gptviz.analysis import embeddings
from gptviz.language_model import LanguageModel
from gptviz.tokenizers import Tokenizer
from gptviz.training.runs import Run

T = TypeVar("T")
Moments = Iterable[tuple[int, LanguageModel]]


@dataclass(frozen=True, eq=False)
class Series:
    """One array a step, all of one shape."""

    steps: list[int]
    values: np.ndarray  # (len(steps), …) float32


def moments(run: Run) -> Iterator[tuple[int, LanguageModel]]:
    """The models that a run kept as snapshots, in the order of their steps.

    Each is loaded when it is asked for; one that has gone since is left out. Raises ValueError
    for one that is broken.
    """
    for step in run.snapshots:
        try:
            lm = language_model.load(run.snapshot(step))
        except FileNotFoundError:  # thinned out, or taken again by a resumed run
            continue
        yield step, lm
        del lm  # or it would live on while the next one is loaded


def patterns(moments: Moments, ids: Sequence[int], layer: int, head: int) -> Series:
    """One head's attention pattern of a text (T,) at each step: (steps, T, T).

    Raises ValueError in words for a text that does not fit, a layer or a head that is not there.
    """
    name = f"h.{layer}.attn.pattern"

    def look(lm: LanguageModel) -> np.ndarray:
        if not 0 <= head < lm.config.n_head:
            raise ValueError(f"head {head} came; heads run from 0 to {lm.config.n_head - 1}")
        return lm.trace(ids, [name])[name][head].cpu().numpy()

    return _series(moments, look)


def distributions(moments: Moments, ids: Sequence[int]) -> Series:
    """The probability of every token after a text at each step: (steps, V).

    Raises ValueError in words for a text that cannot be read.
    """

    def look(lm: LanguageModel) -> np.ndarray:
        logits = generation.next_logits(lm.model, lm.ids(ids))
        return logits.softmax(-1).cpu().numpy()

    return _series(moments, look)


def cosines(moments: Moments, token: int) -> Series:
    """The cosine of one token's embedding with every token's at each step: (steps, V).

    −inf for the token itself. Raises IndexError for a token that the model does not have.
    """

    def look(lm: LanguageModel) -> np.ndarray:
        found = embeddings.vocabulary_cosines(lm, lm.model.wte.weight[token][None])[0]
        found[token] = -np.inf
        return found.cpu().numpy()

    return _series(moments, look)


def strongest(series: Series, tokenizer: Tokenizer, n: int = 8) -> pd.DataFrame:
    """How the tokens that have the largest values (steps, V) in the end came to have them.

    One row a step and token: step, rank in the end (from 1), token, id, value. Raises ValueError
    if there is no step.
    """
    if not series.steps:
        raise ValueError("there is no snapshot yet; wait for the first one")
    ids = np.argsort(-series.values[-1], kind="stable")[:n]
    ids = ids[series.values[-1][ids] > -np.inf]
    n_steps = len(series.steps)
    return pd.DataFrame(
        {
            "step": np.repeat(series.steps, len(ids)),
            "rank": np.tile(np.arange(1, len(ids) + 1), n_steps),
            "token": tokenizer.pieces(ids.tolist()) * n_steps,
            "id": np.tile(ids, n_steps),
            "value": series.values[:, ids].ravel(),
        }
    )


def _looks(moments: Moments, look: Callable[[LanguageModel], T]) -> Iterator[tuple[int, T]]:
    for step, lm in moments:
        seen = look(lm)
        del lm  # or it would live on while the next one is loaded
        yield step, seen


def _series(moments: Moments, look: Callable[[LanguageModel], np.ndarray]) -> Series:
    steps, values = [], []
    for step, value in _looks(moments, look):
        steps.append(step)
        values.append(value)
    return Series(steps, np.array(values, dtype=np.float32))
