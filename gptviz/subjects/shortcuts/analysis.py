"""What shortcuts do for gradients and for vectors (He et al., 2016).

A shortcut adds what came into a layer to what comes out of it: x + f(x) in place of f(x).
"""

import math
from itertools import pairwise

import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F
from torch import Tensor

from gptviz.config import GPTConfig
from gptviz.model import GPT

MOST_LAYERS, MOST_WIDTH = 24, 64
VOCABULARY, TEXT_LENGTH, BATCH = 64, 32, 4  # of the fresh GPT
GPT_WIDTH, GPT_HEADS = 64, 4


def gradients(n_layers: int = 5, width: int = 3, seed: int = 123) -> pd.DataFrame:
    """The mean absolute gradient of each layer's weights, without and with shortcuts.

    All layers have GELU and as many neurons, but the last, which has one; where a layer gives as
    many numbers as it gets, a shortcut goes around it. The input runs evenly from 1 to −1, and the
    loss is the square of the output: the network is to say 0. Weights and biases are drawn as
    nn.Linear draws them after torch.manual_seed(seed). Columns: layer, without, with.
    """
    if not (1 <= n_layers <= MOST_LAYERS and 1 <= width <= MOST_WIDTH):
        raise ValueError(
            f"{n_layers} layers of {width} neurons; 1 to {MOST_LAYERS} layers of 1 to {MOST_WIDTH} "
            f"neurons are drawn here"
        )
    layers = _drawn([width] * n_layers + [1], torch.Generator().manual_seed(seed))
    x = torch.linspace(1, -1, width, dtype=torch.float64)
    return pd.DataFrame(
        {
            "layer": range(n_layers),
            "without": _mean_gradients(layers, x, with_shortcuts=False),
            "with": _mean_gradients(layers, x, with_shortcuts=True),
        }
    )


def powers(factor: float = 0.9, n_layers: int = 12) -> pd.DataFrame:
    """What is left of a gradient of 1 that each layer multiplies by the same factor.

    Columns: layers (0 to n_layers, how many it has passed), 0.9, 1.1, own (this factor).
    """
    layers = np.arange(n_layers + 1)
    return pd.DataFrame(
        {"layers": layers, "0.9": 0.9**layers, "1.1": 1.1**layers, "own": factor**layers}
    )


@torch.inference_mode()
def likeness(n_layers: int = 12, seed: int = 0) -> pd.DataFrame:
    """How alike the vectors of different tokens are after each block of a fresh GPT.

    The mean cosine of the vectors at two different positions, over all pairs of random texts.
    Both GPTs begin with the same weights and read the same texts. Without shortcuts the vectors
    come to be all the same (Dong, Cordonnier and Loukas, 2021, Attention is Not All You Need).
    Columns: layer (0 is what comes in), without, with.
    """
    generator = torch.Generator().manual_seed(seed)
    ids = torch.randint(VOCABULARY, (BATCH, TEXT_LENGTH), generator=generator)
    found = {}
    for name, residual in (("without", False), ("with", True)):
        config = GPTConfig(
            VOCABULARY, TEXT_LENGTH, n_layers, GPT_HEADS, GPT_WIDTH, residual=residual
        )
        model = GPT(config, torch.Generator().manual_seed(seed)).eval()
        stream = [model.embed(model.wte(ids) + model.wpe(torch.arange(TEXT_LENGTH)))]
        for block in model.h:
            stream.append(block(stream[-1]))
        found[name] = [_mean_cosine(x) for x in stream]
    return pd.DataFrame({"layer": range(n_layers + 1), **found})


def _mean_cosine(x: Tensor) -> float:
    """The mean cosine of two different positions of the same text, over texts (B, T, C)."""
    unit, T = F.normalize(x, dim=-1), x.size(1)
    cosines = unit @ unit.transpose(1, 2)  # (B, T, T), and 1 of each with itself
    return float((cosines.sum((1, 2)) - T).mean() / (T * (T - 1)))


def _drawn(sizes: list[int], generator: torch.Generator) -> list[tuple[Tensor, Tensor]]:
    """A weight (out, in) and a bias (out,) for each layer between two sizes."""
    layers = []
    for n_in, n_out in pairwise(sizes):
        bound = 1 / math.sqrt(n_in)
        weight = torch.empty(n_out, n_in).uniform_(-bound, bound, generator=generator)
        bias = torch.empty(n_out).uniform_(-bound, bound, generator=generator)
        # Without shortcuts, gradients of many layers are smaller than float32 can hold.
        layers.append((weight.double().requires_grad_(), bias.double()))
    return layers


def _mean_gradients(
    layers: list[tuple[Tensor, Tensor]], x: Tensor, *, with_shortcuts: bool
) -> list[float]:
    """The mean absolute gradient of each layer's weight for the loss y²."""
    with torch.enable_grad():
        for weight, bias in layers:
            y = F.gelu(F.linear(x, weight, bias), approximate="tanh")
            x = x + y if with_shortcuts and x.shape == y.shape else y
        found = torch.autograd.grad(x.square().sum(), [weight for weight, _ in layers])
    return [_mean([gradient]) for gradient in found]


def _mean(gradients: list[Tensor]) -> float:
    """The mean absolute value of all numbers in several tensors."""
    return float(torch.cat([gradient.flatten() for gradient in gradients]).abs().mean())
