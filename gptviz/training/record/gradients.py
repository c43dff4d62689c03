"""How large the gradients, the weights and the updates of each layer are.

RUN/layers.jsonl   {"step", "grad_norm", "weight_norm", "update_ratio"}: {group: number} each

A group is "embedding", "h.0.attn", "h.0.mlp", "h.0.norm" (both norms of a block) and so on,
"ln_f", and "lm_head" where it is not tied. Each parameter belongs to one group.
"""

import re
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.utils import get_total_norm

from gptviz.disk import Row, append_row, drop_rows_after, rows
from gptviz.model import GPT
from gptviz.runs import LAYERS, Run
from gptviz.training.record.observer import Observer, warn_if_unwritten

MEASURES = ("grad_norm", "weight_norm", "update_ratio")
_IN_BLOCK = re.compile(r"(h\.\d+)\.(attn|mlp|ln)")


def group_of(name: str) -> str:
    """The group of a parameter by its name: h.3.attn for h.3.attn.c_proj.bias."""
    if match := _IN_BLOCK.match(name):
        block, kind = match.groups()
        return f"{block}.{'norm' if kind == 'ln' else kind}"
    first = name.partition(".")[0]
    return "embedding" if first in ("wte", "wpe") else first


def groups(model: GPT) -> dict[str, list[nn.Parameter]]:
    """The parameters of each group."""
    found = defaultdict(list)
    for name, parameter in model.named_parameters():
        found[group_of(name)].append(parameter)
    return dict(found)


class GroupNorms:
    """The norms of each group in one step, √Σx² of all its numbers.

    grad_norm is that of the gradient before it is clipped, weight_norm that of the weights after
    the step, and update_ratio |Δw| ÷ |w before|: the share of itself that a group moved by.
    """

    def __init__(self, model: GPT):
        self.groups = groups(model)
        self.before: dict[str, list[Tensor]] = {}  # weights
        self.found: dict[str, dict[str, float]] = {}  # by measure and group

    @torch.no_grad()
    def measure_gradient(self) -> None:
        """To be called between the backward pass and clipping."""
        self.found = {
            "grad_norm": {
                name: float(get_total_norm([p.grad for p in group if p.grad is not None]))
                for name, group in self.groups.items()
            }
        }

    @torch.no_grad()
    def keep_weights(self) -> None:
        """To be called before the optimiser's step: copies the weights."""
        self.before = {name: [p.clone() for p in group] for name, group in self.groups.items()}

    @torch.no_grad()
    def measure_update(self) -> None:
        """To be called after the optimiser's step: compares with the copy, and drops it."""
        weight_norm, update_ratio = {}, {}
        for name, group in self.groups.items():
            before = self.before.pop(name)
            size = float(get_total_norm(before))
            torch._foreach_sub_(before, list(group))
            update_ratio[name] = float(get_total_norm(before)) / size
            weight_norm[name] = float(get_total_norm(list(group)))
        self.found |= {"weight_norm": weight_norm, "update_ratio": update_ratio}


class Gradients(Observer):
    """Records the norms of the first step, and of one step in `detail_interval`."""

    def __init__(self, run: Run, model: GPT):
        self.run, self.norms = run, GroupNorms(model)
        self.path = run.folder / LAYERS

    def due(self, step: int) -> bool:
        """Whether this step is measured."""
        interval = self.run.config.detail_interval
        return interval > 0 and (step == 1 or step % interval == 0)

    def started(self, step: int) -> None:
        drop_rows_after(self.path, step or -1)

    def gradient_found(self, step: int) -> None:
        if self.due(step):
            self.norms.measure_gradient()

    def gradient_clipped(self, step: int) -> None:
        if self.due(step):
            self.norms.keep_weights()

    def weights_updated(self, step: int) -> None:
        if self.due(step):
            self.norms.measure_update()

    def step_done(self, row: Row) -> None:
        step = row["step"]
        if self.due(step) and not row.get("left_out"):  # a gradient that ran over says nothing
            with warn_if_unwritten(self.run, f"the row of step {step} in {LAYERS}"):
                append_row(self.path, {"step": step, **self.norms.found})


@dataclass(frozen=True)
class RecordedNorms:
    """One number a step and group of parameters, for each measure."""

    steps: np.ndarray  # (S,)
    groups: tuple[str, ...]  # G names, in the order of the network
    values: dict[str, np.ndarray]  # (S, G) by measure: see MEASURES


def read(folder: Path) -> RecordedNorms:
    """The norms of the run in a folder so far; nothing if it measured none."""
    found = [row for row in rows(folder / LAYERS) if set(MEASURES) <= row.keys()]
    groups = tuple(found[0]["grad_norm"]) if found else ()
    values = {
        measure: np.array([[row[measure].get(group, np.nan) for group in groups] for row in found])
        for measure in MEASURES
    }
    return RecordedNorms(np.array([row["step"] for row in found], dtype=int), groups, values)
