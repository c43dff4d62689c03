"""How a picture came about: the same look at a run's model after more and more steps.

Each function takes moments, an iterator of (step, model) such as `moments` gives, and looks at
one model at a time: whatever a run kept, no more than one of its models is in memory.
"""

import gc
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import pandas as pd

from gptviz import generation, language_model
from gptviz.analysis import embeddings
from gptviz.language_model import LanguageModel
from gptviz.sampling import SamplingSettings, stages
from gptviz.training.runs import Run

MOST_WAITING_BYTES = 2**28  # of models that nobody looks at any more and that are still in memory

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
    waiting = 0
    for step in run.snapshots:
        # A model's parts refer to each other, so it goes when Python collects such circles.
        if waiting > MOST_WAITING_BYTES:
            gc.collect()
            waiting = 0
        try:
            lm = language_model.load(run.snapshot(step))
        except FileNotFoundError:  # thinned out, or taken again by a resumed run
            continue
        yield step, lm
        waiting += sum(p.nbytes for p in lm.model.parameters())
        del lm


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


def distributions(
    moments: Moments, ids: Sequence[int], settings: SamplingSettings | None = None
) -> Series:
    """The probability of every token after a text at each step: (steps, V).

    With settings, that from which is drawn; without, the model's own. Raises ValueError in words
    for a text that cannot be read.
    """
    settings = settings or SamplingSettings()

    def look(lm: LanguageModel) -> np.ndarray:
        logits = generation.next_logits(lm.model, lm.ids(ids)).cpu()
        return stages(logits, ids, settings)[-1].probabilities.numpy()

    return _series(moments, look)


def likeliest(distributions: Series, pieces: Sequence[str], n: int = 8) -> pd.DataFrame:
    """How the tokens that are likeliest in the end became so.

    pieces holds the vocabulary's visible pieces by id. One row a step and token: step, rank in
    the end (from 1), token, id, probability. Raises ValueError if there is no step.
    """
    if not distributions.steps:
        raise ValueError("there is no snapshot yet; wait for the first one")
    ids = np.argsort(-distributions.values[-1], kind="stable")[:n]
    n_steps = len(distributions.steps)
    return pd.DataFrame(
        {
            "step": np.repeat(distributions.steps, len(ids)),
            "rank": np.tile(np.arange(1, len(ids) + 1), n_steps),
            "token": [pieces[i] for i in ids] * n_steps,
            "id": np.tile(ids, n_steps),
            "probability": distributions.values[:, ids].ravel(),
        }
    )


def neighbours(moments: Moments, token: int, n: int = 10) -> pd.DataFrame:
    """The tokens whose embeddings point most nearly the way of one token's, at each step.

    Columns: step, rank (from 1), and those of `embeddings.nearest`. Raises IndexError for a token
    that the model does not have.
    """

    def look(lm: LanguageModel) -> pd.DataFrame:
        vector = embeddings.token_word(lm, token).vector
        return embeddings.nearest(lm, vector, n, without={token})

    tables = []
    for step, table in _looks(moments, look):
        table.insert(0, "step", step)
        table.insert(1, "rank", np.arange(1, len(table) + 1))
        tables.append(table)
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()


def samples(
    moments: Moments, ids: Sequence[int], n_tokens: int, settings: SamplingSettings, seed: int
) -> pd.DataFrame:
    """What the model writes after a text at each step, with the same random numbers each time.

    Columns: step, text. Raises ValueError in words for a text that cannot be read.
    """

    def look(lm: LanguageModel) -> str:
        written = generation.generate(
            lm.model, lm.tokenizer, lm.ids(ids), n_tokens, settings, seed, ()
        )
        # A model may have room for more tokens than its tokenizer knows.
        known = [made.id for made in written if made.id < lm.tokenizer.vocab_size]
        return lm.tokenizer.decode(known)

    return pd.DataFrame(_looks(moments, look), columns=["step", "text"])


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
