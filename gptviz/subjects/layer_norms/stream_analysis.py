"""The residual stream in numbers: how each token's vector changes from stage to stage."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch

from gptviz.activations import Trace
from gptviz.config import GPTConfig


@dataclass(frozen=True, eq=False)
class Stream:
    """The residual stream on its way: for each stage and token, over the C numbers of the vector.

    In a model with norm="pre", each stage is what one norm reads, in the order in which
    `layer_norms.analysis.norm_names` lists them.
    """

    stages: list[str]  # (S,) names of activations: embed, h.0.resid_mid, h.0, …
    mean: np.ndarray  # (S, T)
    spread: np.ndarray  # (S, T) standard deviation (biased)
    norm: np.ndarray  # (S, T) length of the vector: √(C · (mean² + spread²))


def stages(config: GPTConfig) -> list[str]:
    """The names of the residual stream's stages: before block 0, then after each part of a block.

    Where a block has one part, that is once.
    """
    parts = (".resid_mid", "") if config.attention and config.mlp else ("",)
    return ["embed", *(f"h.{i}{part}" for i in range(config.n_layer) for part in parts)]


def measure(config: GPTConfig, trace: Trace) -> Stream:
    """Mean, spread and norm of the residual stream of each token at each stage."""
    names = stages(config)
    vectors = [trace[name] for name in names]
    spread, mean = zip(*(torch.std_mean(x, -1, unbiased=False) for x in vectors), strict=True)
    norm = [x.norm(dim=-1) for x in vectors]
    return Stream(names, *(torch.stack(list(rows)).numpy() for rows in (mean, spread, norm)))


def stream_table(found: Stream, tokens: Sequence[str]) -> pd.DataFrame:
    """One row for each stage and token: stage, position, token, mean, spread, norm."""
    S, T = found.norm.shape
    return pd.DataFrame(
        {
            "stage": np.repeat(found.stages, T),
            "position": np.tile(np.arange(T), S),
            "token": list(tokens) * S,
            "mean": found.mean.ravel(),
            "spread": found.spread.ravel(),
            "norm": found.norm.ravel(),
        }
    )
