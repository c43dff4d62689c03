"""Several texts with the same settings, written side by side: which is likelier, which repeats."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
import torch

from gptviz.batch import BatchReader
from gptviz.language_model import LanguageModel
from gptviz.sampling import SamplingSettings, draw, stages
from gptviz.subjects.sampling.analysis import entropy
from gptviz.subjects.sampling.beam_analysis import likelihood
from gptviz.subjects.sampling.continuation_analysis import decoded
from gptviz.subjects.sampling.measures_analysis import repetition

Progress = Callable[[int, int], None]

TEMPERATURES = (0.2, 0.5, 0.8, 1.0, 1.2)
GRIDS = {"top_k": (10, 20, 40, 100, None), "top_p": (0.5, 0.7, 0.9, 0.95, 1.0)}
TEXTS = 3  # for each cell of the grid
LENGTH = 40  # tokens of each
# As a course on GPTs calls three of these settings, by temperature and top-k.
COURSE = {"Conservative": (0.2, 10), "Balanced": (0.5, 20), "Creative": (0.8, 40)}


@dataclass(frozen=True)
class Sampled:
    """One text that was written, and what the model thought of each of its tokens."""

    ids: tuple[int, ...]
    log_probabilities: tuple[float, ...]  # the model's own, before any rule, in nats
    entropies: tuple[float, ...]  # of what each token was drawn from, in nats


def sampled(
    lm: LanguageModel,
    ids: Sequence[int],
    asked: Sequence[tuple[SamplingSettings, int]],
    length: int,
    progress: Progress | None = None,
) -> list[Sampled]:
    """What `lm.generate` writes with each of these settings and seeds, read side by side.

    Raises ValueError where the model's numbers become NaN.
    """
    device = lm.model.wte.weight.device
    dice = [torch.Generator(device).manual_seed(seed) for _, seed in asked]
    reader = BatchReader(lm.model, len(ids) + length)
    texts = [list(ids) for _ in asked]
    numbers: list[list[tuple[float, float]]] = [[] for _ in asked]
    ended: set[int] = set()
    for n in range(length):
        if progress is not None:
            progress(n, length)
        if len(ended) == len(asked):
            break
        # The prompt is read once; from then on each text is a row of its own.
        rows = texts if n else texts[:1]
        logits = reader.next_logits(rows, [0] * len(asked) if n == 1 else None)
        for i, text in enumerate(texts):
            own = logits[i if n else 0]
            if i in ended:  # it is read on with any token, so that all stay as long
                text.append(0)
                continue
            left = stages(own, text, asked[i][0])[-1].probabilities
            token = draw(left, dice[i])
            numbers[i].append((float(own.double().log_softmax(-1)[token]), entropy(left)))
            text.append(token)
            if token in lm.end_ids:
                ended.add(i)
    return [
        Sampled(tuple(text[len(ids) :][: len(own)]), *map(tuple, zip(*own, strict=True)))
        for text, own in zip(texts, numbers, strict=True)
    ]


def ranked(
    lm: LanguageModel,
    ids: tuple[int, ...],
    settings: SamplingSettings,
    texts: int,
    length: int,
    seed: int,
    progress: Progress | None = None,
) -> pd.DataFrame:
    """Several continuations and the greedy one, with the model's own opinion of each.

    Columns: written with (a seed, or "greedy"), text, tokens, sum and mean of the tokens'
    log-probabilities (nats, before any rule), perplexity. The likeliest by the mean comes first.
    """
    seeds = range(seed, seed + texts)
    whole = length * 2
    found = sampled(lm, ids, [(settings, s) for s in seeds], length, _part(progress, 0, whole))
    greedy = [(SamplingSettings(temperature=0), 0)]
    found += sampled(lm, ids, greedy, length, _part(progress, length, whole))
    rows = [
        {
            "written with": name,
            "text": decoded(lm.tokenizer, text.ids),
            "tokens": len(text.ids),
            **likelihood(sum(text.log_probabilities), len(text.ids)),
        }
        for name, text in zip([*(f"seed {s}" for s in seeds), "greedy"], found, strict=True)
    ]
    table = pd.DataFrame(rows).sort_values("mean", ascending=False, kind="stable")
    return table.reset_index(drop=True)


def grid(
    lm: LanguageModel,
    ids: tuple[int, ...],
    by: str,
    rules: SamplingSettings,
    seed: int,
    progress: Progress | None = None,
) -> pd.DataFrame:
    """Measures of what is written at each of five temperatures and each of five top-k or top-p.

    by is "top_k" or "top_p"; the other of both is off, and all else as in rules. Each cell has
    TEXTS texts of LENGTH tokens, with the same dice in all cells. Columns: temperature, top_k (0:
    off) or top_p, the measures of `cell`.
    """
    n = len(TEMPERATURES)
    rows = [
        grid_row(lm, ids, by, rules, seed, temperature, _part(progress, i * LENGTH, n * LENGTH))
        for i, temperature in enumerate(TEMPERATURES)
    ]
    return pd.concat(rows, ignore_index=True)


def grid_row(
    lm: LanguageModel,
    ids: tuple[int, ...],
    by: str,
    rules: SamplingSettings,
    seed: int,
    temperature: float,
    progress: Progress | None = None,
) -> pd.DataFrame:
    """The cells of `grid` at one temperature, whose texts are read side by side."""
    off: dict[str, Any] = {"top_k": None, "top_p": 1.0, "temperature": temperature}
    limits = GRIDS[by]
    settings = [replace(rules, **{**off, by: limit}) for limit in limits]
    asked = [(chosen, seed + i) for chosen in settings for i in range(TEXTS)]
    texts = sampled(lm, ids, asked, LENGTH, progress)
    return pd.DataFrame(
        [
            {"temperature": temperature, by: limit or 0, **cell(texts[TEXTS * i : TEXTS * (i + 1)])}
            for i, limit in enumerate(limits)
        ]
    )


def cell(texts: Sequence[Sampled]) -> dict[str, float]:
    """Measures of some texts.

    distinct_n: of all stretches of n tokens in these texts, the share that are different (Li et
    al., 2016). repetition: the share of stretches of 4 tokens that had occurred in the same text
    (Welleck et al., 2020), the mean of the texts that are long enough. log_probability: the mean of
    a token's, by the model itself, in nats. entropy: the mean of what tokens were drawn from, in
    nats. NaN where there is nothing to measure.
    """
    said = [repetition(text.ids, 4) for text in texts]
    long_enough = [share for share in said if share is not None]
    return {
        **{f"distinct_{n}": _distinct([text.ids for text in texts], n) for n in (1, 2, 3)},
        "repetition": float(np.mean(long_enough)) if long_enough else np.nan,
        "log_probability": float(np.mean([p for text in texts for p in text.log_probabilities])),
        "entropy": float(np.mean([nats for text in texts for nats in text.entropies])),
    }


def _distinct(texts: Sequence[Sequence[int]], n: int) -> float:
    stretches = [tuple(ids[i : i + n]) for ids in texts for i in range(len(ids) - n + 1)]
    return len(set(stretches)) / len(stretches) if stretches else np.nan


def _part(progress: Progress | None, before: int, whole: int) -> Progress | None:
    """Tell the progress of a part of the work as that of the whole."""
    if progress is None:
        return None
    return lambda done, _: progress(before + done, whole)
