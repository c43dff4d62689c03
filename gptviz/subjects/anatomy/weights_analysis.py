"""The weights of a loaded model: every tensor's size and spread, and the spectrum of one."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from gptviz.language_model import LanguageModel
from gptviz.quoting import quoted

Progress = Callable[[int, int], None]

BINS = 80
ROWS = 4096  # of a matrix that are multiplied before the next browser has its turn
LARGEST = 2048  # the shorter side of a matrix whose singular values come within about a second
RARE = 3.27  # the 99.9th percentile of the Tracy-Widom distribution of real matrices
OF_A_BLOCK = {  # the matrices of each layer, in the order of a text
    "attn.c_attn": "queries, keys, values",
    "attn.c_proj": "attention's output",
    "mlp.c_fc": "MLP, first",
    "mlp.c_proj": "MLP, second",
}


@dataclass(frozen=True, eq=False)
class Spectrum:
    """The singular values of a matrix, and where those of a random one would lie."""

    values: np.ndarray  # largest first, as many as the shorter side has numbers, float64
    lowest: float  # of a random matrix of the same shape and spread
    highest: float
    chance: float  # 999 of 1,000 such random matrices have none that is larger

    @property
    def beyond(self) -> int:
        """How many are larger than chance would let them be."""
        return int((self.values > self.chance).sum())

    def directions(self, share: float) -> int:
        """How many of the largest hold this share of the sum of all squares; 0 where all are 0."""
        squares = np.cumsum(self.values**2)
        return int(np.searchsorted(squares, share * squares[-1])) + 1 if squares[-1] else 0


@torch.inference_mode()
def tensors(lm: LanguageModel, progress: Progress | None = None) -> pd.DataFrame:
    """Every tensor of a model, a row each, in the order of the network.

    Columns: name, shape, numbers, mean, spread (standard deviation), least, largest, norm (its
    length as one vector). progress(done, all) is called before each. Raises ValueError if one
    holds what is no number.
    """
    found = dict(lm.model.named_parameters())
    rows = []
    for i, (name, tensor) in enumerate(found.items()):
        if progress is not None:
            progress(i, len(found))
        _require_numbers(name, tensor)
        shape = " × ".join(f"{size:,}" for size in tensor.shape)
        moments = tensor.mean(), tensor.std(correction=0), tensor.min(), tensor.max(), tensor.norm()
        rows.append((name, shape, tensor.numel(), *map(float, moments)))
    columns = ["name", "shape", "numbers", "mean", "spread", "least", "largest", "norm"]
    return pd.DataFrame(rows, columns=columns)


def norms(table: pd.DataFrame) -> pd.DataFrame:
    """The norms of each block's matrices, from `tensors`: layer, then a column a matrix."""
    found = dict(zip(table["name"], table["norm"], strict=True))
    n_layer = len({name.split(".")[1] for name in found if name.startswith("h.")})
    rows = {
        title: [found[f"h.{layer}.{part}.weight"] for layer in range(n_layer)]
        for part, title in OF_A_BLOCK.items()
        if f"h.0.{part}.weight" in found
    }
    return pd.DataFrame({"layer": range(n_layer), **rows})


@torch.inference_mode()
def histogram(lm: LanguageModel, name: str) -> pd.DataFrame:
    """How the numbers of a tensor are spread: from, to, share, and the share of a normal one.

    normal is what numbers of the same mean and spread, drawn from a normal distribution, would
    have in each bin. Raises ValueError for an unknown tensor and for what is no number.
    """
    tensor = _tensor(lm, name).flatten().float()
    counts, edges = torch.histogram(tensor, BINS)
    mean, spread = float(tensor.mean()), float(tensor.std(correction=0))
    below = [_normal_below(float(edge), mean, spread) for edge in edges]
    return pd.DataFrame(
        {
            "from": edges[:-1].double().numpy(),
            "to": edges[1:].double().numpy(),
            "share": (counts / len(tensor)).double().numpy(),
            "normal": np.diff(below),
        }
    )


@torch.inference_mode()
def spectrum(lm: LanguageModel, name: str, progress: Progress | None = None) -> Spectrum:
    """The singular values of a matrix of the model, from its products with itself.

    They are the roots of the eigenvalues of WᵀW, or WWᵀ where that is smaller, in 64 bits. lowest
    and highest are the ends of what a random matrix has (Marchenko and Pastur, 1967), and the
    largest one varies by chance (Johnstone, 2001, On the Distribution of the Largest Eigenvalue in
    Principal Components Analysis). Raises ValueError for a tensor that is no matrix, is unknown or
    too large, or holds what is no number.
    """
    matrix = _tensor(lm, name)
    if matrix.dim() != 2:
        raise ValueError(f"{name} is a vector, and only a matrix has a spectrum")
    if min(matrix.shape) > LARGEST:
        raise ValueError(
            f"{name} has {min(matrix.shape):,} singular values, which would take too long; up to "
            f"{LARGEST:,} are shown"
        )
    long = matrix if matrix.size(0) >= matrix.size(1) else matrix.mT
    parts = long.split(ROWS)
    gram = torch.zeros(long.size(1), long.size(1), dtype=torch.float64)
    for i, part in enumerate(parts):
        if progress is not None:
            progress(i, len(parts) + 1)
        wide = part.double()
        gram += wide.mT @ wide
    if progress is not None:
        progress(len(parts), len(parts) + 1)
    values = torch.linalg.eigvalsh(gram).flip(0).clamp(min=0).sqrt().numpy()
    spread = float(matrix.std(correction=0))
    root, other = math.sqrt(long.size(0)), math.sqrt(long.size(1))
    varies = (root + other) * (1 / root + 1 / other) ** (1 / 3)  # of its square, for a spread of 1
    chance = math.sqrt((root + other) ** 2 + RARE * varies)
    return Spectrum(values, *(spread * end for end in (root - other, root + other, chance)))


def spectrum_table(found: Spectrum) -> pd.DataFrame:
    """The singular values as a table: rank (from 1), value, share (of all squares, up to here)."""
    squares = np.cumsum(found.values**2)
    return pd.DataFrame(
        {
            "rank": range(1, len(squares) + 1),
            "value": found.values,
            "share": squares / (squares[-1] or 1.0),
        }
    )


def _tensor(lm: LanguageModel, name: str) -> Tensor:
    found = dict(lm.model.named_parameters())
    if name not in found:
        raise ValueError(f"this model has no tensor {quoted(name)}; it has {', '.join(found)}")
    _require_numbers(name, found[name])
    return found[name]


def _require_numbers(name: str, tensor: Tensor) -> None:
    if not math.isfinite(float(tensor.sum())):
        raise ValueError(
            f"{name} holds what is no number (NaN or infinity), so there is nothing to see in the "
            f"weights; choose another model"
        )


def _normal_below(edge: float, mean: float, spread: float) -> float:
    """The share of a normal distribution below an edge; all of it lies at the mean of no spread."""
    if not spread:
        return float(edge > mean)
    return 0.5 * (1 + math.erf((edge - mean) / (spread * math.sqrt(2))))
