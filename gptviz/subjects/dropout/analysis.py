"""Dropout (Srivastava et al., 2014): the mask, the scaling that makes up for it, and three places.

In training each number is set to 0 with probability p, and what stays is divided by 1 − p, so that
the mean over many masks is the number itself. When the model is used, nothing happens.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Literal

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from gptviz.activations import Trace

Mode = Literal["training", "evaluation"]

# Where GPT-2 has dropout: the setting that says how much, and the activation that goes through it.
PLACES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "embeddings": ("embd_pdrop", "embed"),
        "attention": ("attn_pdrop", "h.{layer}.attn.pattern"),
        "results": ("resid_pdrop", "h.{layer}.attn"),
    }
)


def mask(shape: Sequence[int], p: float, seed: int) -> Tensor:
    """True where a number stays, with probability 1 − p. Raises ValueError unless 0 ≤ p < 1."""
    if not 0 <= p < 1:
        raise ValueError(f"p is {p:g}; a share of 0 or more and less than 1 can be set to 0")
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed)) >= p


def applied(
    numbers: Sequence[Sequence[float]], p: float = 0.2, mode: Mode = "training", seed: int = 0
) -> pd.DataFrame:
    """What dropout makes of a table of numbers.

    Columns: row, column, before, stays (whether the mask keeps it), after. In evaluation all stay
    and nothing is scaled. Raises ValueError as `mask`.
    """
    x = torch.tensor(numbers, dtype=torch.float64)
    stays = mask(x.shape, p, seed) if mode == "training" else torch.ones_like(x, dtype=torch.bool)
    after = x * stays / (1 - p) if mode == "training" else x
    rows, columns = np.indices(x.shape)
    return pd.DataFrame(
        {
            "row": rows.ravel(),
            "column": columns.ravel(),
            "before": x.flatten().numpy(),
            "stays": stays.flatten().numpy(),
            "after": after.flatten().numpy() + 0.0,  # no −0
        }
    )


def averages(p: float = 0.2, seed: int = 0, n_masks: int = 1000) -> pd.DataFrame:
    """The mean, over more and more masks, of what dropout makes of the number 1.

    Columns: masks (how many), scaled (what stays is divided by 1 − p), not scaled.
    """
    stays = mask((n_masks,), p, seed).double()
    masks = np.arange(1, n_masks + 1)
    mean = stays.cumsum(0).numpy() / masks
    return pd.DataFrame({"masks": masks, "scaled": mean / (1 - p), "not scaled": mean})


def at_place(
    trace: Trace, place: str, layer: int, head: int, p: float, seed: int, width: int = 24
) -> pd.DataFrame:
    """What dropout would make of one place of a run, as in a step of training.

    place is a key of PLACES: the sum of embeddings, a head's pattern, or what attention adds; of
    vectors the first `width` numbers are taken. Columns: position, at (a dimension, or the token
    looked at), before, stays, after. Raises ValueError as `mask`.
    """
    if place != "embeddings":
        trace.config.require_attention()
    _, name = PLACES[place]
    tensor = trace[name.format(layer=layer)]
    before = (tensor[head] if place == "attention" else tensor[:, :width]).double().cpu()  # (T, n)
    stays = mask(before.shape, p, seed)
    positions, at = np.indices(before.shape)
    return pd.DataFrame(
        {
            "position": positions.ravel(),
            "at": at.ravel(),
            "before": before.flatten().numpy(),
            "stays": stays.flatten().numpy(),
            "after": (before * stays / (1 - p)).flatten().numpy() + 0.0,
        }
    )
