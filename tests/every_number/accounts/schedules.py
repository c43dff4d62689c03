"""The page Schedules: the formulas of six, and a tiny GPT trained by PyTorch with each."""

import math
from functools import partial
from typing import Any

import torch
from torch import nn

from accounts import fresh
from accounts.common import Expected, Models, Read

STEPS, WARMUP, LAST = 200, 0.2, 0.01
HIGHEST, SEED = 0.003, 2
NAMES = ("constant", "linear", "cosine", "stairs", "warmup-linear", "warmup-cosine")


def share(name: str, step: int, warmup: int, last: float) -> float:
    """The rate of a step (from 0) as a part of the highest."""
    if name.startswith("warmup-"):
        if step < warmup:
            return (step + 1) / warmup
        done = (step - warmup) / (STEPS - warmup)
    else:
        done = step / STEPS
    if name.endswith("linear"):
        return 1 - (1 - last) * done
    if name.endswith("cosine"):
        return last + (1 - last) * (1 + math.cos(math.pi * done)) / 2
    return 1.0 if name == "constant" else max(last, 0.5 ** (step // 40))


def lines(key: str, drawn: dict[str, list[float]], table: dict[str, list[float]]) -> dict[str, Any]:
    """A line for each schedule, and their numbers."""
    steps = range(1, STEPS + 1)
    shown: dict[str, Any] = {f"{key}_table.step": steps}
    for i, name in enumerate(NAMES):
        shown |= {f"{key}.{i}.x": steps, f"{key}.{i}.y": drawn[name]}
        shown[f"{key}_table.{name}"] = table[name]
    return shown


def rates() -> Expected:
    warmup = round(WARMUP * STEPS)
    columns = {name: [share(name, i, warmup, LAST) for i in range(STEPS)] for name in NAMES}
    shown = {
        "warmup_share.label": [f"{part} %" for part in (2, 5, 10, 20, 50)],
        "last_share.label": ["0", "× 0.3"],
        **lines("rates", columns, columns),
    }
    half = [columns[name][STEPS // 2] for name in ("linear", "cosine", "stairs")]
    said = [
        ("Half-way, at step", STEPS // 2 + 1, STEPS, *half),
        ("Most schedules end low", STEPS, len(NAMES), 5, 2017),
    ]
    return said, shown


def runs() -> Expected:
    def adamw(model: nn.Module) -> torch.optim.Optimizer:
        return torch.optim.AdamW(fresh.groups(model), betas=(0.9, 0.99))

    found = {
        name: fresh.losses(
            SEED, [HIGHEST * share(name, i, STEPS // 10, 0.1) for i in range(STEPS)], adamw
        )
        for name in NAMES
    }
    smoothed = {}
    for name, losses in found.items():
        top = below = 0.0
        smoothed[name] = []
        for loss in losses:
            top, below = 0.9 * top + loss, 0.9 * below + 1
            smoothed[name].append(top / below)
    last = 20
    means = sorted(sum(losses[-last:]) / last for losses in found.values())
    shown = {
        "highest_rate.label": ["0.003", "0.01", "0.03", "0.1", "0.3"],
        **lines("schedule_courses", smoothed, found),
        **fresh.lines_across("schedule_courses"),
        **{f"schedule_courses.{i}.hover": [(0.9,)] for i in range(len(NAMES))},
        "schedule_courses.yaxis": [(0.9,)],
    }
    said = [
        ("Mean loss of the last {} steps", last, *means),
        ("those whose rate falls end lower", 0.1, STEPS, len(NAMES), 0.003, 16, 0.9, 0.9),
    ]
    return said, shown


TABS = {"rates": rates, "runs": runs}


def look(read: Read, _: Models, tab: str) -> None:
    """One tab."""
    keys = ("rates",) if tab == "rates" else ("schedule_courses",)
    chosen = {"warmup_share": WARMUP, "last_share": LAST}
    if tab == "runs":
        chosen = {"highest_rate": HIGHEST, "schedule_seed": SEED}
    read("schedules", keys, tab=tab, **chosen).holds(TABS[tab]())


VIEWS = {tab: partial(look, tab=tab) for tab in TABS}
