"""The page One layer by hand: norms of a few numbers, and random layers with and without them."""

import math
from functools import partial
from typing import Any

import numpy as np
import torch

from accounts.common import Expected, Models, Read, scientific, ticks

NUMBERS = np.array([[0.5, -1.25, 2], [0.8, 1, -0.3], [4, 1.5, 0.25]])
EPSILON, GAMMA, BETA = 0.01, np.array([1, 2, 0.5]), np.array([0, -1, 0.25])
STD, WIDTH, SEED, LAYERS, EXAMPLES = 0.05, 64, 5, 12, 100


def standard(axis: int) -> np.ndarray:
    """A norm of the rows or of the columns, whose variance divides by one less."""
    x = NUMBERS
    centred = x - x.mean(axis, keepdims=True)
    normed = centred / np.sqrt(x.var(axis, ddof=1, keepdims=True) + EPSILON)
    return normed * GAMMA + BETA


def numbers() -> Expected:
    R, C = NUMBERS.shape
    rows, columns = np.indices(NUMBERS.shape)
    layer, batch = standard(1), standard(0)
    shown: dict[str, Any] = {
        "norm_epsilon.label": ["0.00001", "0", "0.01", "1"],
        "variance_by.label": [(2,), (1,)],
        "norms_table.row": rows,
        "norms_table.column": columns,
        "norms_table.typed": NUMBERS,
        "norms_table.layer norm": layer,
        "norms_table.batch norm": batch,
        "moments.of": [*(f"row {i}" for i in range(R)), *(f"column {j}" for j in range(C))],
    }
    for i, grid in enumerate((NUMBERS, layer, batch)):
        cells = [*zip(rows.ravel(), columns.ravel(), grid.ravel(), strict=True)]
        shown |= {
            f"norms_{i}.0.z": grid,
            f"norms_{i}.1.customdata": cells,
            f"norms_{i}.1.text": [(value,) for value in grid.ravel()],
            f"norms_{i}.1.x": columns,
            f"norms_{i}.1.y": rows,
            f"norms_{i}.xaxis": [str(j) for j in range(C)],
            f"norms_{i}.yaxis": [f"row {i}" for i in range(R)],
        }
    every = [*NUMBERS, *NUMBERS.T]
    for name, ddof in (("variance ÷ n", 0), ("variance ÷ (n − 1)", 1)):
        shown[f"moments.{name}"] = [line.var(ddof=ddof) for line in every]
    shown["moments.mean"] = [line.mean() for line in every]
    differ = [1 / (n - 1) for n in (768, 6)]
    said = [
        ("Layer norm compares the numbers", R, C, 0, 2015),
        ("Two variances are in use", 1, 768, differ[0], 6, differ[1]),
    ]
    return said, shown


def deep() -> Expected:
    generator = torch.Generator().manual_seed(SEED)
    plain = normed = torch.randn(EXAMPLES, WIDTH, generator=generator).numpy().astype(np.float64)
    spreads = [[plain.std(ddof=1)] * 2]
    for _ in range(LAYERS):
        weight = torch.empty(WIDTH, WIDTH).normal_(std=STD, generator=generator).double().numpy()
        plain, normed = plain @ weight, normed @ weight
        normed = normed - normed.mean(-1, keepdims=True)
        normed = normed / np.sqrt(normed.var(-1, keepdims=True) + 1e-5)
        spreads.append([plain.std(ddof=1), normed.std(ddof=1)])
    without, with_norm = np.array(spreads).T
    factor = STD * math.sqrt(WIDTH)
    layers = np.arange(LAYERS + 1)
    columns = {
        "without norm": without,
        "with layer norm": with_norm,
        "expected": without[0] * factor**layers,
    }
    shown: dict[str, Any] = {
        "weight_std.label": ["0.01", "0.02", "0.03", "0.036", "0.04", "0.05", "0.1", "0.2"],
        "layer_width.label": ["64", "128", "256", "512", "768"],
        "spread_table.layer": layers,
    }
    for i, (name, values) in enumerate(columns.items()):
        shown |= {f"spread.{i}.x": layers, f"spread.{i}.y": values}
        shown[f"spread_table.{name}"] = values
    named = ticks(np.concatenate([*columns.values()]))
    shown["spread.yaxis"] = named[:: -(-len(named) // 6)]
    said = [
        (
            "Each layer multiplies",
            *(STD, WIDTH, factor, LAYERS, without[0]),
            *scientific(without[-1]),
            with_norm[-1],
        ),
        ("Without norms the same factor", EXAMPLES, WIDTH, 1),
    ]
    return said, shown


TABS = {"numbers": numbers, "deep": deep}


def typed(values: np.ndarray) -> str:
    """Numbers as somebody types them."""
    return ", ".join(f"{value:g}" for value in values)


def look(read: Read, _: Models, tab: str) -> None:
    """One tab."""
    chosen = {
        "layer_numbers": "; ".join(map(typed, NUMBERS)),
        "variance_by": "n-1",
        "norm_epsilon": EPSILON,
        "gamma": typed(GAMMA),
        "beta": typed(BETA),
    }
    if tab == "deep":
        chosen = {"weight_std": STD, "layer_width": WIDTH, "layer_seed": SEED}
    read("one_layer", ("norms" if tab == "numbers" else "spread",), tab=tab, **chosen).holds(
        TABS[tab]()
    )


VIEWS = {tab: partial(look, tab=tab) for tab in TABS}
