"""Layer norm and batch norm of a few numbers, and the spread of numbers in a deep random network.

A row is one example, a column one neuron. Layer norm (Ba, Kiros and Hinton, 2016) brings each row
to mean 0 and variance 1, batch norm (Ioffe and Szegedy, 2015) each column.
"""

import math
from collections.abc import Sequence
from typing import Literal

import numpy as np
import pandas as pd
import torch
from torch import Tensor

Divisor = Literal["n", "n-1"]

EXAMPLES = 100  # that go through the random layers
EPSILON = 1e-5  # of the norms between the random layers, as in GPT-2


def example(seed: int, n_examples: int = 2, n_inputs: int = 5, n_neurons: int = 6) -> Tensor:
    """What a fresh layer with ReLU gives for random inputs, (n_examples, n_neurons).

    Weights and biases are drawn as nn.Linear draws them, from −1/√n_inputs to 1/√n_inputs, after
    the inputs: as in nn.Sequential(nn.Linear(…), nn.ReLU()) after torch.manual_seed(seed).
    """
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(n_examples, n_inputs, generator=generator)
    bound = 1 / math.sqrt(n_inputs)
    weight = torch.empty(n_neurons, n_inputs).uniform_(-bound, bound, generator=generator)
    bias = torch.empty(n_neurons).uniform_(-bound, bound, generator=generator)
    return (x @ weight.T + bias).relu()


def moments(numbers: Sequence[Sequence[float]]) -> pd.DataFrame:
    """Mean and both variances of each row and each column.

    Columns: of ("row 0" …, then "column 0" …), mean, variance ÷ n, variance ÷ (n − 1). The last
    is NaN where there is one number only.
    """
    x = np.array(numbers, dtype=np.float64)
    lines = [(f"row {i}", row) for i, row in enumerate(x)]
    lines += [(f"column {j}", column) for j, column in enumerate(x.T)]
    return pd.DataFrame(
        {
            "of": [name for name, _ in lines],
            "mean": [line.mean() for _, line in lines],
            "variance ÷ n": [line.var() for _, line in lines],
            "variance ÷ (n − 1)": [
                line.var(ddof=1) if len(line) > 1 else math.nan for _, line in lines
            ],
        }
    )


def normalised(
    numbers: Sequence[Sequence[float]],
    divisor: Divisor = "n",
    epsilon: float = EPSILON,
    gamma: Sequence[float] = (1.0,),
    beta: Sequence[float] = (0.0,),
) -> pd.DataFrame:
    """Layer norm and batch norm of the same numbers: γ · (x − mean) / √(variance + ε) + β.

    γ and β are one number for all columns, or one for each. Batch norm is that of training, which
    takes mean and variance of the batch itself. Columns: row, column, typed, layer norm, batch
    norm; NaN where 0 would be divided by 0, as the variance ÷ (n − 1) of one number. Raises
    ValueError, in words, for another count of γ or β.
    """
    x = np.array(numbers, dtype=np.float64)
    scale, shift = (_for_each(of, x.shape[1], name) for of, name in ((gamma, "γ"), (beta, "β")))
    rows, columns = np.indices(x.shape)
    return pd.DataFrame(
        {
            "row": rows.ravel(),
            "column": columns.ravel(),
            "typed": x.ravel(),
            "layer norm": (scale * _standard(x, 1, divisor, epsilon) + shift).ravel(),
            "batch norm": (scale * _standard(x, 0, divisor, epsilon) + shift).ravel(),
        }
    )


def spread_by_layer(
    width: int = 768, std: float = 0.1, seed: int = 0, n_layers: int = 12
) -> pd.DataFrame:
    """How far numbers spread on their way through layers of random weights, without and with norms.

    A hundred vectors of standard normal numbers are multiplied by one matrix (width, width) after
    another, whose numbers are normal with this standard deviation. Columns: layer (0 is what comes
    in), without norm and with layer norm (the standard deviation of all numbers after the layer,
    and its norm), expected (what the rule "times std · √width a layer" gives without norms).
    """
    generator = torch.Generator().manual_seed(seed)
    plain = normed = torch.randn(EXAMPLES, width, generator=generator)
    found = [(float(plain.std()), float(normed.std()))]
    for _ in range(n_layers):
        weight = torch.empty(width, width).normal_(std=std, generator=generator)
        plain = plain @ weight
        normed = torch.nn.functional.layer_norm(normed @ weight, (width,), eps=EPSILON)
        found.append((float(plain.std()), float(normed.std())))
    without, with_norm = zip(*found, strict=True)
    layers = np.arange(n_layers + 1)
    return pd.DataFrame(
        {
            "layer": layers,
            "without norm": without,
            "with layer norm": with_norm,
            "expected": without[0] * (std * math.sqrt(width)) ** layers,
        }
    )


def _standard(x: np.ndarray, axis: int, divisor: Divisor, epsilon: float) -> np.ndarray:
    """x less its mean, divided by √(variance + ε), over one axis; NaN where that is 0 ÷ 0."""
    with np.errstate(invalid="ignore", divide="ignore"):
        centred = x - x.mean(axis, keepdims=True)
        squares = np.square(centred).sum(axis, keepdims=True)
        return centred / np.sqrt(squares / (x.shape[axis] - (divisor == "n-1")) + epsilon)


def _for_each(values: Sequence[float], n: int, name: str) -> np.ndarray:
    if len(values) not in (1, n):
        raise ValueError(
            f"{len(values)} numbers came for {name}; give one for all columns, or {n}, one for each"
        )
    return np.array(values, dtype=np.float64)
