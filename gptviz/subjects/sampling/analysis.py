"""Numbers about one choice: what was removed, how open the choice is, what many draws give."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from gptviz.sampling import SamplingSettings, Stage, draw
from gptviz.tokenizers import Tokenizer

# Each draws from a more open distribution than the one before.
PRESETS: Mapping[str, SamplingSettings] = MappingProxyType(
    {
        "greedy": SamplingSettings(temperature=0),
        "conservative": SamplingSettings(temperature=0.5, top_k=20),
        "balanced": SamplingSettings(temperature=0.8, top_k=40),
        "creative": SamplingSettings(temperature=1.2, top_k=100),
    }
)

# The rules whose stages are shown even where they are off, and those that are not, in their order.
USUAL_RULES = ("repetition_penalty", "temperature", "top_k", "top_p")
TITLES: Mapping[str, str] = MappingProxyType(
    {
        "repetition_penalty": "penalty",
        "no_repeat_ngram_size": "no-repeat",
        "temperature": "temperature",
        "top_k": "top-k",
        "top_p": "top-p",
        "min_p": "min-p",
        "typical_p": "typical",
    }
)

# Standard deviations on either side that hold 95 % of a normal distribution.
NORMAL_95 = 1.959964


@dataclass(frozen=True, eq=False)
class Removal:
    """What one rule removed from the whole vocabulary."""

    rule: str  # "no_repeat_ngram_size", "temperature" (only at 0), "top_k", "top_p", …
    ids: Tensor  # the removed tokens, the likeliest first
    mass: float  # their probability together, just before the first rule removed anything


def more_rules(settings: SamplingSettings) -> dict[str, float]:
    """The rules beside the usual four that are on, by their titles, with their values."""
    off = SamplingSettings()
    return {
        title: getattr(settings, name)
        for name, title in TITLES.items()
        if name not in USUAL_RULES and getattr(settings, name) != getattr(off, name)
    }


def stage_titles(settings: SamplingSettings) -> dict[str, str]:
    """The columns of `token_table` that are worth a look with these settings, and their titles."""
    on = more_rules(settings)
    rules = {k: title for k, title in TITLES.items() if k in USUAL_RULES or title in on}
    return {"before": "model", **rules}


def removals(found: Sequence[Stage]) -> list[Removal]:
    """What each rule removed, from the stages of `gptviz.sampling.stages`.

    With what was kept, the masses add up to 1: all are shares of the distribution after
    repetition penalty and temperature. Temperature 0 removes tokens itself and is no
    distribution, so that there it is the one before temperature. What n-grams forbid goes before
    the temperature, and is measured there; all else shares what that leaves.
    """
    penalty, free, temperature, *_ = found
    whole = free if temperature.removed.any() else temperature
    probabilities = penalty.probabilities.double()
    left = 1 - float(probabilities[free.removed].sum())
    probabilities = torch.where(free.removed, probabilities, left * whole.probabilities.double())
    result = []
    for stage in found[1:]:
        ids = stage.removed.nonzero().flatten()
        order = probabilities[ids].argsort(descending=True, stable=True)
        result.append(Removal(stage.name, ids[order], float(probabilities[ids].sum())))
    return result


def is_drawable(logits: Tensor) -> bool:
    """Whether these logits (V,) give every token a probability; else there is nothing to draw."""
    return bool(logits.softmax(-1).isfinite().all())


def entropy(probabilities: Tensor) -> float:
    """How open a choice is, in nats (Shannon, 1948): 0 where only one token is possible.

    Divided by ln 2 it counts bits; its exponential is the number of equally likely tokens
    between which the choice would be as open (the perplexity).
    """
    return float(torch.special.entr(probabilities.double()).sum())


def token_table(
    tokenizer: Tokenizer, logits: Tensor, found: Sequence[Stage], n: int
) -> pd.DataFrame:
    """The n likeliest tokens by the model itself, and what the stages make of them.

    Columns: rank (from 1), token, id, logit; before: the model's own probability; one column a
    stage: the probability that would be drawn from if it were the last; removed by: a rule or "".
    """
    order = logits.argsort(descending=True, stable=True)[:n]
    removed = np.full(len(order), "", dtype=object)
    for stage in found:
        removed[stage.removed[order].numpy()] = stage.name
    return pd.DataFrame(
        {
            "rank": range(1, len(order) + 1),
            "token": tokenizer.pieces(order.tolist()),
            "id": order.numpy(),
            "logit": logits[order].numpy(),
            "before": logits.softmax(-1)[order].numpy(),
            **{stage.name: stage.probabilities[order].numpy() for stage in found},
            "removed by": removed,
        }
    )


def rule_table(tokenizer: Tokenizer, found: Sequence[Stage]) -> pd.DataFrame:
    """What each rule removed, and in the last row what was kept; the probabilities add up to 1.

    Columns: rule, tokens (how many), probability (see `removals`), likeliest of them (pieces).
    """
    gone = removals(found)
    left = found[-1].probabilities
    kept = left.argsort(descending=True)[: int((left > 0).sum())]
    ids = [*(removal.ids for removal in gone), kept]
    masses = [removal.mass for removal in gone]
    return pd.DataFrame(
        {
            "rule": [*(removal.rule for removal in gone), "kept"],
            "tokens": [len(its) for its in ids],
            "probability": [*masses, 1 - sum(masses)],
            "likeliest of them": [" ".join(tokenizer.pieces(its[:5].tolist())) for its in ids],
        }
    )


def draws(probabilities: Tensor, n: int, seed: int) -> Iterator[int]:
    """n token ids, drawn one after the other from the same probabilities (V,).

    The first one is what `generate` writes first with the same seed.
    """
    generator = torch.Generator(probabilities.device).manual_seed(seed)
    return (draw(probabilities, generator) for _ in range(n))


def draw_table(
    tokenizer: Tokenizer, probabilities: Tensor, drawn: Iterable[int], n: int
) -> pd.DataFrame:
    """How often each of the n likeliest tokens was drawn, beside its probability.

    Columns: token, id (missing for "all others", the last row), probability, count, frequency,
    low and high: the 95 % interval for the probability, as far as the draws show.
    Raises ValueError if nothing was drawn.
    """
    counts = torch.bincount(
        torch.tensor(list(drawn), dtype=torch.long), minlength=len(probabilities)
    )
    total = int(counts.sum())
    top = probabilities.topk(min(n, int((probabilities > 0).sum()))).indices
    expected = [*probabilities[top].tolist(), 1 - float(probabilities[top].double().sum())]
    found = np.array([*counts[top].tolist(), total - int(counts[top].sum())])
    low, high = wilson_interval(found, total)
    return pd.DataFrame(
        {
            "token": [*tokenizer.pieces(top.tolist()), "all others"],
            "id": pd.array([*top.tolist(), None], dtype="Int64"),
            "probability": np.clip(expected, 0, 1),
            "count": found,
            "frequency": found / total,
            "low": low,
            "high": high,
        }
    )


def wilson_interval(counts: np.ndarray, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Between which probabilities the truth lies, in 95 of 100 cases (Wilson, 1927).

    counts says how often something happened in n tries. Raises ValueError for no tries.
    """
    if n < 1:
        raise ValueError("nothing was drawn, so nothing can be said about frequencies; draw once")
    share, z = counts / n, NORMAL_95
    centre = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * np.sqrt(share * (1 - share) / n + (z / (2 * n)) ** 2)
    # What never and what always happened reach 0 and 1, whatever rounding says.
    return np.where(counts == 0, 0, centre - half), np.where(counts == n, 1, centre + half)
