"""Scores and weights of attention with the division by √d and without it (Vaswani et al., 2017).

If the d numbers of a query and a key are independent, with mean 0 and variance 1, q · k has
variance d: the longer the vectors, the further apart the scores, and the more softmax gives to one.
"""

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from gptviz.activations import Trace
from gptviz.language_model import LanguageModel

KEYS = 8  # that a random query looks at
DRAWS = 400  # random queries whose scores are measured
SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)  # values of d


def random_scores(d: int = 64, seed: int = 0) -> pd.DataFrame:
    """One random query and eight random keys of d standard normal numbers.

    Columns: key, score (q · k), divided (q · k / √d), weight (softmax of the scores), divided
    weight (softmax of the divided ones).
    """
    q, k = _drawn(d, seed, 1)
    scores = (k @ q.unsqueeze(-1)).squeeze(-1)[0]
    return _table(scores, math.sqrt(d)).rename_axis("key").reset_index()


def as_d_grows(seed: int = 0) -> pd.DataFrame:
    """How scores and weights change as d grows, measured on 400 random queries of eight keys.

    Columns: d, spread and divided spread (standard deviation of the scores), entropy and divided
    entropy (mean over the queries, in nats: ln 8 if all keys get the same, 0 if one gets all).
    """
    rows = []
    for d in SIZES:
        q, k = _drawn(d, seed, DRAWS)
        scores = (k @ q.unsqueeze(-1)).squeeze(-1)  # (DRAWS, KEYS)
        divided = scores / math.sqrt(d)
        rows.append(
            (d, *(float(x.std()) for x in (scores, divided)), _entropy(scores), _entropy(divided))
        )
    return pd.DataFrame(
        rows, columns=["d", "spread", "divided spread", "entropy", "divided entropy"]
    )


@dataclass(frozen=True, eq=False)
class Chosen:
    """One query of a text with the keys that it may look at."""

    table: pd.DataFrame  # position, token, score, divided, weight, divided weight
    d: int  # numbers of a query
    divisor: float  # what the model itself divides by
    entropy: float  # of the weights without a division, in nats
    divided_entropy: float  # and with it


@torch.inference_mode()
def of_head(lm: LanguageModel, trace: Trace, layer: int, head: int, position: int) -> Chosen:
    """What a head's query at a position gives each key up to it, with its division and without.

    The divided weights are the model's own. Its divisor is √d unless its config says otherwise.
    """
    lm.config.require_attention()
    q = trace[f"h.{layer}.attn.q"][head, position].double()
    k = trace[f"h.{layer}.attn.k"][head, : position + 1].double()
    divisor = lm.config.attn_divisor(layer)
    scores = (k @ q).cpu()
    table = _table(scores, divisor).rename_axis("position").reset_index()
    table.insert(1, "token", trace.tokens[: position + 1])
    return Chosen(table, len(q), divisor, _entropy(scores), _entropy(scores / divisor))


def _drawn(d: int, seed: int, n: int) -> tuple[Tensor, Tensor]:
    """Random queries (n, d) and keys (n, KEYS, d)."""
    generator = torch.Generator().manual_seed(seed)
    q = torch.randn(n, d, generator=generator)
    return q, torch.randn(n, KEYS, d, generator=generator)


def _table(scores: Tensor, divisor: float) -> pd.DataFrame:
    columns = {
        "score": scores,
        "divided": scores / divisor,
        "weight": scores.softmax(-1),
        "divided weight": (scores / divisor).softmax(-1),
    }
    return pd.DataFrame(
        {name: column.numpy().astype(np.float64) for name, column in columns.items()}
    )


def _entropy(scores: Tensor) -> float:
    """The mean entropy of the softmax of rows of scores, in nats."""
    logs = scores.double().log_softmax(-1)
    return float(-(logs.exp() * logs).sum(-1).mean())
