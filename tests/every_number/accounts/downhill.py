"""The page Going downhill: slopes by hand, the papers' formulas, and PyTorch on a tiny GPT."""

import math
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import nn

from accounts import fresh
from accounts.common import Expected, Models, Read

START, CURVE_RATE, CURVE_STEPS = -1.8, 0.03, 20
SURFACE_RATE, SURFACE_STEPS = 0.1, 60
GRADIENTS, BETA_1, BETA_2 = (0.5, -3, 2, 0.25), 0.5, 0.99
FACTOR, SEED, STEPS = 0.3, 5, 40
DECAY, DECAY_STEPS = 0.3, 100
NAMES = [*("sgd", "momentum", "adam", "adamw"), *(["muon"] if hasattr(torch.optim, "Muon") else [])]


def curve() -> Expected:
    def y(x: np.ndarray) -> np.ndarray:
        return x**4 / 4 - x**2 + 0.3 * x

    def slope(x: float) -> float:
        return x**3 - 2 * x + 0.3

    x = [START]
    for _ in range(CURVE_STEPS):
        x.append(x[-1] - CURVE_RATE * slope(x[-1]))
    places, walked = np.linspace(-2.5, 2.5, 201), np.array(x)
    slopes, heights, steps = [slope(one) for one in x], y(walked), range(CURVE_STEPS + 1)
    shown = {
        "curve_rate.label": [
            *("0.01", "0.03", "0.1", "0.2", "0.3", "0.45", "0.5", "0.7", "0.9", "1", "1.05")
        ],
        "from_x.label": [(tenth / 10,) for tenth in range(-22, 23, 2)],
        "descent.0.x": places,
        "descent.0.y": y(places),
        "descent.1.x": walked,
        "descent.1.y": heights,
        "descent.1.customdata": [*zip(steps, slopes, strict=True)],
        "descent_table.step": steps,
        "descent_table.x": walked,
        "descent_table.y": heights,
        "descent_table.slope": slopes,
    }
    shown["descent.1.customdata"] = np.array(shown["descent.1.customdata"])
    first = (START, slopes[0], -CURVE_RATE, slopes[0], x[1])
    said = [
        ("The slope at x =", *first, CURVE_STEPS, x[-1], heights[-1]),
        ("Which valley it ends in", len(x), 1),
    ]
    return said, shown


def bend(x: Any, y: Any) -> Any:
    """The height of the bent valley."""
    return 0.1 * (x - 3) ** 2 + (y - x**2 / 6) ** 2


def bend_slope(p: np.ndarray) -> np.ndarray:
    x, y = p
    off = y - x**2 / 6
    return np.array([0.2 * (x - 3) - 2 * off * x / 3, 2 * off])


def walk(name: str) -> np.ndarray:
    """The points of an optimiser's path, (steps + 1, 2)."""
    p = np.array([-4.0, -2.0])
    m = v = np.zeros(2)
    points = [p]
    own = torch.from_numpy(p[None].copy()).requires_grad_()
    muon = torch.optim.Muon([own], lr=SURFACE_RATE, weight_decay=0.0) if name == "muon" else None
    for t in range(1, SURFACE_STEPS + 1):
        g = bend_slope(p)
        if muon:
            own.grad = torch.from_numpy(g[None])
            muon.step()
            p = own.detach().numpy()[0].copy()
        elif name in ("sgd", "momentum"):
            m = (0.9 if name == "momentum" else 0) * m + g
            p = p - SURFACE_RATE * m
        else:
            m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g**2
            update = m / (1 - 0.9**t) / (np.sqrt(v / (1 - 0.999**t)) + 1e-8)
            p = p - SURFACE_RATE * (update + (0.1 * p if name == "adamw" else 0))
        points.append(p)
    return np.array(points)


def surface() -> Expected:
    x, y = np.linspace(-5, 5, 61), np.linspace(-4, 4, 61)
    heights = bend(x[None], y[:, None])
    shown: dict[str, Any] = {
        "surface_rate.label": ["0.003", "0.01", "0.03", "0.1", "0.3", "0.6", "1", "1.2"]
    }
    steps = np.arange(SURFACE_STEPS + 1)
    table: dict[str, list] = {name: [] for name in ("step", "x", "y", "height")}
    for i, name in enumerate(NAMES):
        points = walk(name)
        height = bend(*points.T)
        shown |= {
            f"paths_{i}.0.x": x,
            f"paths_{i}.0.y": y,
            f"paths_{i}.0.z": np.sqrt(heights),
            f"paths_{i}.0.contours.start": 0,
            f"paths_{i}.0.contours.end": 2.2 * math.sqrt(heights.max()),
            f"paths_{i}.0.contours.size": math.sqrt(heights.max()) / 16,
            f"paths_{i}.title": [(height[-1],)],
            f"paths_{i}.1.x": 3,
            f"paths_{i}.1.y": 1.5,
            f"paths_{i}.2.x": points[:, 0],
            f"paths_{i}.2.y": points[:, 1],
            f"paths_{i}.2.customdata": np.stack([steps, height], -1),
        }
        for column, values in zip(table, (steps, *points.T, height), strict=True):
            table[column] += values.tolist()
    shown |= {f"paths_table.{name}": values for name, values in table.items()}
    said = [
        (
            "At a rate of {}, momentum flies past",
            0.1,
            len(NAMES),
            len(steps),
            2,
            60,
            0.9,
            0,
            0.1,
            0,
        ),
    ]
    return said, shown


def adam() -> Expected:
    rows, m, v = [], 0.0, 0.0
    for t, g in enumerate(GRADIENTS, start=1):
        m, v = BETA_1 * m + (1 - BETA_1) * g, BETA_2 * v + (1 - BETA_2) * g**2
        m_hat, v_hat = m / (1 - BETA_1**t), v / (1 - BETA_2**t)
        raw = m / (math.sqrt(v) + 1e-8)
        rows.append((g, m, v, m_hat, v_hat, m_hat / (math.sqrt(v_hat) + 1e-8), raw))
    values = np.array(rows)
    steps = range(1, len(rows) + 1)
    y, x = np.indices(values.shape)
    names = ("gradient", "m", "v", "m̂", "v̂", "update", "uncorrected")
    shown: dict[str, Any] = {
        "beta_1.label": ["0", "0.5", "0.9", "0.99"],
        "beta_2.label": ["0.5", "0.9", "0.99", "0.999"],
        "adam_0.0.z": values,
        "adam_0.1.customdata": [*zip((y + 1).ravel(), values.ravel(), strict=True)],
        "adam_0.1.text": [(value,) for value in values.ravel()],
        "adam_0.1.x": x,
        "adam_0.1.y": y,
        "adam_0.yaxis": [f"step {t}" for t in steps],
        "adam_1.0.x": steps,
        "adam_1.0.y": values[:, 5],
        "adam_1.1.x": steps,
        "adam_1.1.y": values[:, 6],
        "adam_table.step": steps,
        **{f"adam_table.{name}": values[:, i] for i, name in enumerate(names)},
    }
    g, m, v, m_hat, v_hat, update, raw = rows[0]
    said = [
        (
            "both too near",
            *(1, 1, BETA_1, g, m, 1, BETA_2, g, v, 0, 1, BETA_1, 1, BETA_2),
            *(m_hat, v_hat, m_hat, v_hat, update, raw),
        ),
        ("The first step is as long as the rate", *values.shape, 0, 1, 1, 1, 10, 0, 0, 2015),
    ]
    return said, shown


class MuonOfBlocks(torch.optim.Optimizer):
    """Muon for the matrices of the blocks, out × in, and AdamW for the rest."""

    def __init__(self, model: nn.Module):
        matrices, vectors = fresh.groups(model)
        inside = {id(p) for p in model.transformer.h.parameters()}
        self.turned = [p for p in matrices["params"] if id(p) in inside]
        matrices["params"] = [p for p in matrices["params"] if id(p) not in inside]
        self.views = [nn.Parameter(p.data.T) for p in self.turned]
        self.muon = torch.optim.Muon(self.views, weight_decay=0.1, adjust_lr_fn="match_rms_adamw")
        self.adamw = torch.optim.AdamW([matrices, vectors], betas=(0.9, 0.99))
        self.param_groups = [*self.muon.param_groups, *self.adamw.param_groups]
        self.model = model

    def step(self) -> None:
        for view, p in zip(self.views, self.turned, strict=True):
            view.grad = p.grad.T
        self.muon.step()
        self.adamw.step()

    def zero_grad(self) -> None:
        self.model.zero_grad()


def made(name: str, model: nn.Module) -> torch.optim.Optimizer:
    """PyTorch's optimiser of a name."""
    if name == "muon":
        return MuonOfBlocks(model)
    both = fresh.groups(model)
    if name in ("sgd", "momentum"):
        return torch.optim.SGD(both, momentum=0.9 if name == "momentum" else 0.0)
    kind = torch.optim.Adam if name == "adam" else torch.optim.AdamW
    return kind(both, betas=(0.9, 0.99))


def gpt() -> Expected:
    rates = {"sgd": 0.5, "momentum": 0.1, "adam": 0.01, "adamw": 0.01, "muon": 0.02}
    found = {
        name: fresh.losses(SEED, [FACTOR * rates[name]] * STEPS, partial(made, name))
        for name in NAMES
    }
    steps = range(1, STEPS + 1)
    shown: dict[str, Any] = {
        "rate_times.label": [(0.3,), (3,), (30,)],
        "courses_table.step": steps,
        **fresh.lines_across("courses"),
    }
    for i, (name, losses) in enumerate(found.items()):
        shown |= {f"courses.{i}.x": steps, f"courses.{i}.y": losses}
        shown[f"courses_table.{name}"] = losses
    own = [FACTOR * rates[name] for name in NAMES]
    said = [
        ("Loss at step", STEPS, *(losses[-1] for losses in found.values())),
        ("All of them begin with", STEPS, len(NAMES), *own, 1, 16, 16, 16, 1),
    ]
    return said, shown


def decay() -> Expected:
    w, b = 1.0, 0.0
    for _ in range(DECAY_STEPS):
        b = 0.9 * b + DECAY * w
        w -= 0.001 * b
    model, _ = fresh.gpt(0, len(fresh.letters()), 16, 1, 2, 16)
    parameters = list(model.parameters())
    pulled = [p.numel() for p in parameters if p.dim() == 2]
    others = [p.numel() for p in parameters if p.dim() < 2]
    shown = {
        "decay.label": ["0", "0.01", "0.1", "0.3", "1"],
        "shrunk.0.x": [w] * len(pulled),
        "shrunk.0.customdata": pulled,
        "shrunk.1.x": [1] * len(others),
        "shrunk.1.customdata": others,
        "shrunk_table.numbers": [p.numel() for p in parameters],
        "shrunk_table.left": [w if p.dim() == 2 else 1 for p in parameters],
    }
    said = [
        (
            "Decay pulls at",
            *(len(pulled), sum(pulled), DECAY_STEPS, w, len(others), sum(others)),
        ),
        ("Ten steps of decay add up", len(parameters), DECAY_STEPS, 0.001, 0, 0.02),
        ("The groups are made by", 2019),
    ]
    return said, shown


TABS = {"curve": curve, "surface": surface, "adam": adam, "gpt": gpt, "decay": decay}
CHOSEN = {
    "curve": {"hill": "two-valleys", "curve_rate": CURVE_RATE, "from_x": START},
    "surface": {"landscape": "bend", "surface_rate": SURFACE_RATE},
    "adam": {
        "gradients": ", ".join(map(str, GRADIENTS)),
        "beta_1": BETA_1,
        "beta_2": BETA_2,
    },
    "gpt": {"rate_times": FACTOR, "course_seed": SEED},
    "decay": {"decays": "momentum", "decay": DECAY},
}
KEYS = {
    "curve": "descent",
    "surface": "paths",
    "adam": "adam",
    "gpt": "courses",
    "decay": "shrunk",
}


def look(read: Read, _: Models, tab: str) -> None:
    """One tab."""
    read("downhill", (KEYS[tab],), tab=tab, **CHOSEN[tab]).holds(TABS[tab]())


VIEWS = {tab: partial(look, tab=tab) for tab in TABS}
