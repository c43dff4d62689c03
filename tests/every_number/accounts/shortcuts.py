"""The page Shortcuts: gradients of a small network, powers, and tokens in a fresh GPT."""

import math
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from accounts import fresh
from accounts.common import Expected, Models, Read, scientific, ticks

DEPTH, WIDTH, NET_SEED = 8, 4, 7
FACTOR, PASSED = 0.75, 16
BLOCKS, GPT_SEED = 4, 3
PLACES = ("1", "2", "3", "5", "8", "12", "16", "24")


def axis(values: np.ndarray) -> list[Any]:
    """What stands beside an axis that multiplies, of which some are left out; powers have two."""
    named = ticks(values)
    named = named[:: -(-len(named) // 7)]
    return [(tick,) if 1e-4 <= tick < 1e6 else power(tick) for (tick,) in named]


def power(tick: float) -> tuple[float, ...]:
    exponent = math.floor(math.log10(tick) + 1e-9)
    digit = round(tick / 10.0**exponent)
    return (10, exponent) if digit == 1 else (digit, 10, exponent)


def drawn(key: str, x: Any, columns: dict[str, Any], first: str) -> dict[str, Any]:
    """Lines and their numbers."""
    shown: dict[str, Any] = {f"{key}_table.{first}": x}
    for i, (name, values) in enumerate(columns.items()):
        shown |= {f"{key}.{i}.x": x, f"{key}.{i}.y": values, f"{key}_table.{name}": values}
    return shown


def network() -> Expected:
    torch_layers, generator = [], torch.Generator().manual_seed(NET_SEED)
    sizes = [WIDTH] * DEPTH + [1]
    for n_in, n_out in pairwise(sizes):
        layer = nn.Linear(n_in, n_out)
        bound = 1 / math.sqrt(n_in)
        with torch.no_grad():
            layer.weight.uniform_(-bound, bound, generator=generator)
            layer.bias.uniform_(-bound, bound, generator=generator)
        torch_layers.append(layer.double())
    found = {}
    for name in ("with", "without"):
        x = torch.linspace(1, -1, WIDTH, dtype=torch.float64)
        for layer in torch_layers:
            layer.zero_grad()
            y = F.gelu(layer(x), approximate="tanh")
            x = x + y if name == "with" and len(x) == len(y) else y
        F.mse_loss(x, torch.zeros_like(x)).backward()
        found[name] = np.array([layer.weight.grad.abs().mean().item() for layer in torch_layers])
    shown = {
        "depth.label": list(PLACES),
        "net_width.label": ["1", "2", "3", "4", "8", "16", "32", "64"],
        **drawn("gradients", range(DEPTH), found, "layer"),
        "gradients.yaxis": axis(np.concatenate([*found.values()])),
    }
    ends = [found[name][i] for i in (0, -1) for name in ("without", "with")]
    said = [
        ("The first layer's mean gradient", *scientific(*ends)),
        ("Read from right to left", DEPTH, WIDTH, WIDTH, 0, 1, -1, 2016),
    ]
    return said, shown


def powers() -> Expected:
    layers = np.arange(PASSED + 1)
    columns = {"0.9": 0.9**layers, "1.1": 1.1**layers, "own": FACTOR**layers}
    shown = {
        "per_layer.label": [f"{hundredth / 100:g}" for hundredth in range(50, 155, 5)],
        "passed_layers.label": [*PLACES, "48", "96"],
        **drawn("powers", layers, columns, "layers"),
        **{f"powers.{i}.name": [(f,)] for i, f in enumerate((0.9, 1.1, FACTOR))},
        "powers.yaxis": [(1,), *axis(np.concatenate([*columns.values()]))],
    }
    raised = str(PASSED).translate(str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹"))
    last = [values[-1] for values in columns.values()]
    said = [
        (", and ", "0.9" + raised, last[0], "1.1" + raised, last[1], f"{FACTOR}{raised}", last[2]),
        ("A factor a little below", 1, 1, PASSED + 1, 1, 1),
    ]
    return said, shown


@torch.no_grad()
def gpt() -> Expected:
    generator = torch.Generator().manual_seed(GPT_SEED)
    B, T, V = 4, 32, 64
    ids = torch.randint(V, (B, T), generator=generator)
    model, _ = fresh.gpt(GPT_SEED, V, T, BLOCKS, 4, 64)
    body = model.transformer
    found = {}
    for name in ("with", "without"):
        x = body.wte(ids) + body.wpe(torch.arange(T))
        stages = [x]
        for block in body.h:
            attended = block.attn(block.ln_1(x))[0]
            x = x + attended if name == "with" else attended
            hidden = block.mlp(block.ln_2(x))
            x = x + hidden if name == "with" else hidden
            stages.append(x)
        found[name] = [mean_cosine(stage.double().numpy()) for stage in stages]
    shown = {
        "blocks.label": ["1", "2", "4", "6", "8", "12", "16", "24"],
        **drawn("likeness", range(BLOCKS + 1), found, "layer"),
    }
    said = [
        ("of two different tokens", BLOCKS, found["without"][-1], found["with"][-1], 1),
        ("Without shortcuts the tokens become", B, T, T, 64, 4, V, 2021),
    ]
    return said, shown


def mean_cosine(x: np.ndarray) -> float:
    """The mean cosine of two different rows of the same text."""
    unit = x / np.linalg.norm(x, axis=-1, keepdims=True)
    T = x.shape[1]
    pairs = np.triu_indices(T, 1)
    return float(np.mean([(text @ text.T)[pairs].mean() for text in unit]))


TABS = {"network": network, "powers": powers, "gpt": gpt}
CHOSEN = {
    "network": {"depth": DEPTH, "net_width": WIDTH, "net_seed": NET_SEED},
    "powers": {"per_layer": FACTOR, "passed_layers": PASSED},
    "gpt": {"blocks": BLOCKS, "gpt_seed": GPT_SEED},
}
KEYS = {"network": "gradients", "powers": "powers", "gpt": "likeness"}


def look(read: Read, _: Models, tab: str) -> None:
    """One tab."""
    read("shortcuts", (KEYS[tab],), tab=tab, **CHOSEN[tab]).holds(
        ([("again and again", 0.9, 1.1)], {}), TABS[tab]()
    )


VIEWS = {tab: partial(look, tab=tab) for tab in TABS}
