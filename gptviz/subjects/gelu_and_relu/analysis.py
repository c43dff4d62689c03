"""GELU (Hendrycks and Gimpel, 2016), exact and as GPT-2 has it, beside ReLU; their slopes.

GELU(x) = x · Φ(x), where Φ is the share of a normal distribution that lies below x. GPT-2 has
½x (1 + tanh(√(2/π) (x + 0.044715 x³))) in its place, which was quicker to compute.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F
from torch import Tensor

from gptviz.activations import Trace
from gptviz.language_model import LanguageModel
from gptviz.subjects.mlp import analysis as mlp

POINTS = 401


def curves(low: float = -4.0, high: float = 4.0, n: int = POINTS) -> pd.DataFrame:
    """The functions and their slopes at n places from low to high, as `at` has them."""
    return _table(torch.from_numpy(np.linspace(low, high, n)))  # torch's own may miss 0


def at(x: float) -> pd.DataFrame:
    """The functions and their slopes at one place, as a table of one row.

    Columns: x, exact, tanh, relu; error (tanh − exact); exact slope, tanh slope, relu slope (0 at
    0, as PyTorch has it); kept (what GELU lets through as a share of x: Φ(x)).
    """
    return _table(torch.tensor([x], dtype=torch.float64))


def _table(x: Tensor) -> pd.DataFrame:
    x = x.requires_grad_()
    with torch.enable_grad():
        values = {
            "exact": F.gelu(x),
            "tanh": F.gelu(x, approximate="tanh"),
            "relu": F.relu(x),
        }
        slopes = {f"{name} slope": torch.autograd.grad(y.sum(), x)[0] for name, y in values.items()}
    columns = {"x": x, **values, "error": values["tanh"] - values["exact"], **slopes}
    columns["kept"] = torch.special.ndtr(x)
    return pd.DataFrame({name: column.detach().numpy() for name, column in columns.items()})


def unit_table(trace: Trace, layer: int, position: int) -> pd.DataFrame:
    """The hidden units of a block on one token, and what each function makes of them.

    Columns: neuron, pre (before the model's own function), act (after it), exact, tanh, relu.
    """
    table = mlp.units(trace, layer, position)
    pre = torch.tensor(table["pre"].to_numpy())
    return table.assign(
        exact=F.gelu(pre).numpy(),
        tanh=F.gelu(pre, approximate="tanh").numpy(),
        relu=F.relu(pre).numpy(),
    )


@dataclass(frozen=True)
class BelowZero:
    """What the model's own function lets through of the hidden units below 0."""

    count: int  # how many there are
    of: int  # of so many
    before: float  # their sum before the function
    after: float  # and after it
    least: float  # the lowest after it; 0 if there is none below 0


def below_zero(table: pd.DataFrame) -> BelowZero:
    """What becomes of the units below 0, from `unit_table`."""
    low = table[table["pre"] < 0]
    least = float(low["act"].min()) if len(low) else 0.0
    before, after = (float(low[column].to_numpy(float).sum()) for column in ("pre", "act"))
    return BelowZero(len(low), len(table), before, after, least)


def function_of(lm: LanguageModel) -> str:
    """Which column of `unit_table` the model's own function is."""
    return {"gelu_tanh": "tanh", "gelu": "exact", "relu": "relu"}[lm.config.activation]
