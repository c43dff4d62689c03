"""What a change did, as one number: read off the logits of a run.

A measure is a name ("loss", "kl"), `logit_difference(a, b)`, or any function from logits (T, V)
to a number.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from gptviz.language_model import LanguageModel
from gptviz.quoting import quoted

ROWS_AT_ONCE = 32  # positions whose log-probabilities are in memory at one time
NAMES = ("loss", "kl")


@dataclass(frozen=True)
class Measure:
    """A number that is computed from logits (T, V), or from those of the last position alone."""

    of: Callable[[Tensor], float | Tensor]
    last_only: bool = False  # whether it gets (1, V) instead of (T, V)


AnyMeasure = str | Measure | Callable[[Tensor], float | Tensor]


def logit_difference(a: int, b: int) -> Measure:
    """How far the logit of token a lies above that of token b, at the last position."""
    return Measure(lambda logits: logits[-1, a] - logits[-1, b], last_only=True)


def probability(token: int) -> Measure:
    """The probability of a token as the next one, from 0 to 1."""
    return Measure(lambda logits: logits[-1].softmax(-1)[token], last_only=True)


def loss(ids: Sequence[int]) -> Measure:
    """The mean of −ln p of each token after the first, in nats; NaN for a single token."""
    return Measure(lambda logits: surprisal(logits, ids)[1:].mean())


def kl(before: Tensor) -> Measure:
    """The Kullback–Leibler divergence from the next-token distribution of logits before (V,)."""
    return Measure(lambda logits: kl_divergence(before, logits[-1]), last_only=True)


def kl_divergence(logits: Tensor, other: Tensor) -> float:
    """How far two distributions of the next token are apart, (V,) twice, in nats.

    Σ p ln(p / q) with p of the first logits and q of the other: 0 where they agree, and what it
    costs on average, in nats a token, to expect q where p is true (Kullback and Leibler, 1951).
    NaN where one of them is.
    """
    # In float64: the sum of 50,000 small numbers, rounded to float32, is off in the fifth digit.
    log_p, log_q = logits.double().log_softmax(-1), other.double().log_softmax(-1)
    possible = log_p != -torch.inf  # what has no chance costs nothing; ∞ − ∞ would be NaN
    terms = log_p[possible].exp() * (log_p[possible] - log_q[possible])
    return float(terms.sum().clamp(min=0))  # rounding can leave −1e-16


def surprisal(logits: Tensor, ids: Sequence[int]) -> Tensor:
    """−ln p of each token given the ones before it, (T,) in nats; NaN for the first.

    logits is (T, V): row t is what was expected after token t.
    """
    T = len(ids)
    found = logits.new_full((T,), torch.nan)
    targets = torch.tensor(list(ids), device=logits.device)
    for start in range(0, T - 1, ROWS_AT_ONCE):
        rows = logits[start : min(start + ROWS_AT_ONCE, T - 1)]
        after = targets[start + 1 : start + 1 + len(rows)]
        found[start + 1 : start + 1 + len(rows)] = rows.logsumexp(-1) - rows.gather(
            -1, after.unsqueeze(-1)
        ).squeeze(-1)
    return found


def resolve(measure: AnyMeasure, lm: LanguageModel, ids: list[int]) -> Measure:
    """A measure for changes to the run on these ids; "kl" compares with the run as it was.

    Raises ValueError for an unknown name.
    """
    if isinstance(measure, Measure):
        return measure
    if callable(measure):
        return Measure(measure)
    if measure == "loss":
        if len(ids) < 2:
            raise ValueError("the loss needs two tokens or more: the first is guessed by nothing")
        return loss(ids)
    if measure == "kl":
        return kl(lm.trace(ids, ["logits"]).logits[-1])
    raise ValueError(
        f"there is no measure {quoted(measure)}; choose one of {', '.join(NAMES)}, "
        f"logit_difference(a, b), or a function of the logits"
    )
