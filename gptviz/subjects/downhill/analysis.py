"""Gradient descent and the optimisers that grew out of it, as PyTorch itself takes their steps.

All of them look at nothing but the slope where they stand, and none sees the landscape.
"""

import functools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd
import torch
from torch import Tensor

from gptviz.training.optimizer import SGD, Adam, AdamW, muon_kind

REACH = 2.5  # a curve is drawn from −REACH to REACH
CURVE_STEPS, SURFACE_STEPS = 20, 60
WIDE, HIGH = 5.0, 4.0  # a surface is drawn from −WIDE to WIDE, and from −HIGH to HIGH
FAR = 100.0  # a path that comes this far from the middle ends there
MOMENTUM, DECAY = 0.9, 0.1  # of SGD with momentum; AdamW's weight decay

CURVES: Mapping[str, Callable[[Tensor], Tensor]] = {
    "bowl": lambda x: x**2,
    "two-valleys": lambda x: x**4 / 4 - x**2 + 0.3 * x,
}


@dataclass(frozen=True)
class Surface:
    """A landscape over two weights: its height, and where a path begins."""

    height: Callable[[Tensor, Tensor], Tensor]
    start: tuple[float, float]
    lowest: tuple[tuple[float, float], ...]  # where it has its least height, which is 0


SURFACES: Mapping[str, Surface] = {
    "valley": Surface(lambda x, y: 0.05 * (x - 1) ** 2 + (y - 1) ** 2, (-4.0, -2.0), ((1.0, 1.0),)),
    "bend": Surface(
        lambda x, y: 0.1 * (x - 3) ** 2 + (y - x**2 / 6) ** 2, (-4.0, -2.0), ((3.0, 1.5),)
    ),
    "saddle": Surface(
        lambda x, y: (x**2 - 9) ** 2 / 180 + y**2 / 2, (-0.02, 3.0), ((-3.0, 0.0), (3.0, 0.0))
    ),
}


def _muon(parameters: Sequence[Tensor], lr: float) -> torch.optim.Optimizer:
    return muon_kind()(parameters, lr=lr, weight_decay=0.0)


OPTIMIZERS: Mapping[str, Callable[..., torch.optim.Optimizer]] = {
    "sgd": SGD,
    "momentum": functools.partial(SGD, momentum=MOMENTUM),
    "adam": Adam,
    "adamw": functools.partial(AdamW, weight_decay=DECAY),
    "muon": _muon,
}


def available() -> list[str]:
    """The optimisers that this PyTorch has."""
    return [name for name in OPTIMIZERS if name != "muon" or hasattr(torch.optim, "Muon")]


def curve(name: str = "bowl", n: int = 201) -> pd.DataFrame:
    """A curve at n places: x, y."""
    x = torch.linspace(-REACH, REACH, n, dtype=torch.float64)
    return pd.DataFrame({"x": x.numpy(), "y": CURVES[name](x).numpy()})


def descent(name: str = "bowl", rate: float = 0.1, start: float = 2.0) -> pd.DataFrame:
    """Twenty steps of gradient descent on a curve: x ← x − rate · slope.

    Columns: step (0 is where it begins), x, y, slope. It ends early beyond FAR.
    """
    x = torch.tensor([start], dtype=torch.float64, requires_grad=True)
    optimizer = SGD([x], lr=rate)
    rows: list[tuple[float, ...]] = []
    with torch.enable_grad():
        for step in range(CURVE_STEPS + 1):
            y = CURVES[name](x).sum()
            (x.grad,) = torch.autograd.grad(y, x)
            rows.append((step, x.item(), y.item(), x.grad.item()))
            if not abs(x.item()) < FAR:
                break
            optimizer.step()
    return pd.DataFrame(rows, columns=["step", "x", "y", "slope"])


def surface(name: str = "valley", n: int = 61) -> pd.DataFrame:
    """The height of a surface at n × n places: x, y, height."""
    x, y = (torch.linspace(-end, end, n, dtype=torch.float64) for end in (WIDE, HIGH))
    grid_y, grid_x = torch.meshgrid(y, x, indexing="ij")
    height = SURFACES[name].height(grid_x, grid_y)
    columns = {"x": grid_x, "y": grid_y, "height": height}
    return pd.DataFrame({key: value.flatten().numpy() for key, value in columns.items()})


def paths(name: str = "valley", rate: float = 0.1) -> pd.DataFrame:
    """Where each optimiser of this PyTorch goes on a surface in sixty steps of the same rate.

    The point is a matrix of one row, (1, 2), for Muon takes nothing but matrices. Columns:
    optimizer, step (0 is where it begins), x, y, height. A path ends early beyond FAR.
    """
    rows = []
    for optimizer_name in available():
        point = torch.tensor([SURFACES[name].start], dtype=torch.float64, requires_grad=True)
        optimizer = OPTIMIZERS[optimizer_name]([point], lr=rate)
        with torch.enable_grad():
            for step in range(SURFACE_STEPS + 1):
                height = SURFACES[name].height(point[0, 0], point[0, 1])
                rows.append((optimizer_name, step, *point[0].tolist(), height.item()))
                if not point.abs().max().item() < FAR:
                    break
                (point.grad,) = torch.autograd.grad(height, point)
                optimizer.step()
    return pd.DataFrame(rows, columns=["optimizer", "step", "x", "y", "height"])


def adam_steps(
    gradients: Sequence[float] = (0.5, 0.5, -0.2, 4.0, 0.1),
    beta1: float = 0.9,
    beta2: float = 0.999,
) -> pd.DataFrame:
    """What Adam remembers of one weight's gradients, and the steps that it takes for them.

    Columns: step (from 1), gradient, m and v (its running means of the gradient and of its
    square), m̂ and v̂ (corrected for having begun at 0), update (what the weight loses at a rate
    of 1: m̂ / √v̂), uncorrected (m / √v, which it would lose without the correction).
    """
    weight = torch.zeros(1, dtype=torch.float64, requires_grad=True)
    optimizer = Adam([weight], lr=1.0, betas=(beta1, beta2))
    rows = []
    for step, gradient in enumerate(gradients, start=1):
        before = weight.item()
        weight.grad = torch.tensor([gradient], dtype=torch.float64)
        optimizer.step()
        memory = optimizer.state[weight]
        m, v = memory["exp_avg"].item(), memory["exp_avg_sq"].item()
        corrected = m / (1 - beta1**step), v / (1 - beta2**step)
        uncorrected = m / (math.sqrt(v) + optimizer.defaults["eps"])
        rows.append((step, gradient, m, v, *corrected, before - weight.item(), uncorrected))
    names = ["step", "gradient", "m", "v", "m̂", "v̂", "update", "uncorrected"]
    return pd.DataFrame(rows, columns=names)
