"""The optimisers, which weights they decay, and the learning rate of each step."""

import math
from dataclasses import replace
from inspect import unwrap
from typing import Any, TypeVar, cast

import torch
from torch import Tensor, nn

from gptviz import parameters
from gptviz.config import GPTConfig
from gptviz.model import GPT
from gptviz.training.config import Optimizer, TrainingConfig

Kind = TypeVar("Kind", bound=torch.optim.Optimizer)


def decay_groups(model: nn.Module, weight_decay: float) -> list[dict]:
    """Matrices are decayed; biases and norms, which are vectors, are not."""
    matrices = [p for p in model.parameters() if p.dim() >= 2]
    vectors = [p for p in model.parameters() if p.dim() < 2]
    return [
        {"params": matrices, "weight_decay": weight_decay},
        {"params": vectors, "weight_decay": 0.0},
    ]


def _without_compiler(kind: type[Kind]) -> type[Kind]:
    """PyTorch's, without the wrappers that import torch.compile, which is not used here.

    That import takes more than half as long as PyTorch's own, and 70 MB.
    """
    own = {name: unwrap(getattr(kind, name)) for name in ("add_param_group", "zero_grad", "step")}
    own["step"] = torch.no_grad()(own["step"])
    return cast(type[Kind], type(kind.__name__, (kind,), own))


SGD = _without_compiler(torch.optim.SGD)
Adam = _without_compiler(torch.optim.Adam)
AdamW = _without_compiler(torch.optim.AdamW)
STAIRS = 5  # equal parts of a run, each with half the rate of the one before
MEMORIES = {"sgd": 0, "momentum": 1, "adam": 2, "adamw": 2}  # numbers kept for each weight


class Optimizers(torch.optim.Optimizer):
    """Several optimisers as one, each for some parameters, with one state for all."""

    def __init__(self, *parts: torch.optim.Optimizer):
        self.parts = parts
        self.param_groups = [group for part in parts for group in part.param_groups]
        self.state = parts[0].state
        for part in parts:
            part.state = self.state

    def step(self) -> None:  # type: ignore[override]
        """Update all weights."""
        for part in self.parts:
            part.step()

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Clear the gradient."""
        for part in self.parts:
            part.zero_grad(set_to_none)


def new_optimizer(model: GPT, config: TrainingConfig) -> torch.optim.Optimizer:
    """The optimiser of a run. Raises ValueError if this PyTorch does not have it.

    "sgd" goes against the gradient; "momentum" against a sum in which earlier gradients fade
    (Polyak, 1964); "adam" (Kingma and Ba, 2015) divides that by how large the gradients of each
    weight have been. These three add the weight decay to the gradient; "adamw" (Loshchilov and
    Hutter, 2019) shrinks the weights beside it. "muon" (Jordan et al., 2024) makes all directions
    of a matrix's update equally long; it takes the matrices of the blocks, scaled so that one rate
    serves both, and AdamW the rest, embeddings among it.
    """
    groups = decay_groups(model, config.weight_decay)
    if config.optimizer != "muon":
        return _one_for_all(groups, config)
    matrices, _ = groups
    inside = {id(p) for p in model.h.parameters()}
    of_blocks = [p for p in matrices["params"] if id(p) in inside]
    matrices["params"] = [p for p in matrices["params"] if id(p) not in inside]
    muon = muon_kind()(
        of_blocks,
        lr=config.learning_rate,
        weight_decay=config.weight_decay,
        adjust_lr_fn="match_rms_adamw",
    )
    return Optimizers(muon, _one_for_all(groups, replace(config, optimizer="adamw")))


def muon_kind() -> type["torch.optim.Muon"]:
    """Muon's class. Raises ValueError, with the way out, if this PyTorch has none."""
    if not hasattr(torch.optim, "Muon"):
        raise ValueError(
            f"Muon comes with PyTorch 2.9, and this is {torch.__version__}; install a newer one or "
            f"choose the optimizer adamw"
        )
    return _without_compiler(torch.optim.Muon)


def numbers_kept(config: GPTConfig, optimizer: Optimizer) -> int:
    """How many numbers an optimiser remembers of such a model from step to step."""
    n = parameters.count(config)
    if optimizer != "muon":
        return MEMORIES[optimizer] * n
    C = config.n_embd
    attention = 4 * C * C if config.attention else 0
    mlp = 2 * C * config.mlp_width if config.mlp else 0
    of_blocks = config.n_layer * (attention + mlp)  # one number of each
    return of_blocks + MEMORIES["adamw"] * (n - of_blocks)


def empty_memory(group: dict, parameter: nn.Parameter) -> dict[str, Tensor]:
    """An optimiser's state for a parameter of this group, as zeros."""
    if "betas" in group:  # Adam's and AdamW's
        return {
            "step": torch.zeros((), device=parameter.device),
            "exp_avg": torch.zeros_like(parameter),
            "exp_avg_sq": torch.zeros_like(parameter),
        }
    return {"momentum_buffer": torch.zeros_like(parameter)} if group["momentum"] else {}


def _one_for_all(groups: list[dict], config: TrainingConfig) -> torch.optim.Optimizer:
    """An optimiser that treats all these groups alike; fused: one pass over memory a step."""
    usual: dict[str, Any] = {"lr": config.learning_rate, "fused": True}
    if config.optimizer in ("sgd", "momentum"):
        return SGD(groups, momentum=config.beta1 if config.optimizer == "momentum" else 0, **usual)
    kind = Adam if config.optimizer == "adam" else AdamW
    return kind(groups, betas=(config.beta1, config.beta2), **usual)


def learning_rate(step: int, config: TrainingConfig) -> float:
    """The rate at a step (from 0): a straight warm-up, then the schedule.

    "cosine" is half a cosine down to the minimum, "linear" a straight line down to it, and
    "constant" stays at the highest rate. "step" halves the rate after each fifth of the steps,
    down to the minimum at most. All this within the first decay_steps, if there are any: from there
    on the rate stays as it is.
    """
    if step < config.warmup_steps:
        return config.learning_rate * (step + 1) / config.warmup_steps
    last = config.decay_steps or config.steps
    progress = (step - config.warmup_steps) / max(1, last - config.warmup_steps)
    progress = min(progress, 1.0)
    if config.schedule == "step":
        stair = min(int(progress * STAIRS), STAIRS - 1)
        return max(config.learning_rate / 2**stair, config.min_learning_rate)
    share = {
        "cosine": (1 + math.cos(math.pi * progress)) / 2,
        "linear": 1 - progress,
        "constant": 1.0,
    }[config.schedule]
    return config.min_learning_rate + share * (config.learning_rate - config.min_learning_rate)
