"""How large gradient, weights and updates are, per layer and kind.

A group is "embedding", "h.0.attn", "h.0.mlp", "h.0.norm" (both norms of a block) and so on,
"ln_f", and "lm_head" where it is not tied. Each parameter belongs to one group.
"""

import re
from collections import defaultdict

import torch
from torch import Tensor, nn
from torch.nn.utils import get_total_norm

from gptviz.model import GPT

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


class LayerNorms:
    """The three norms of every group over one step of training, each √Σx² of all its numbers.

    grad_norm is that of the gradient before it is clipped, weight_norm that of the weights after
    the step, and update_ratio |Δw| ÷ |w before|: what share of itself the step moved a group by.
    """

    def __init__(self, model: GPT):
        self.groups = groups(model)
        self.kept: dict[str, list[Tensor]] = {}
        self.found: dict[str, dict[str, float]] = {}

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
        self.kept = {name: [p.clone() for p in group] for name, group in self.groups.items()}

    @torch.no_grad()
    def measure_update(self) -> None:
        """To be called after the optimiser's step: compares with the copy, and drops it."""
        weight_norm, update_ratio = {}, {}
        for name, group in self.groups.items():
            before = self.kept.pop(name)
            size = float(get_total_norm(before))
            torch._foreach_sub_(before, list(group))
            update_ratio[name] = float(get_total_norm(before)) / size
            weight_norm[name] = float(get_total_norm(list(group)))
        self.found |= {"weight_norm": weight_norm, "update_ratio": update_ratio}

    def rows(self) -> dict[str, dict[str, float]]:
        """The three norms by name, each by group."""
        return self.found
