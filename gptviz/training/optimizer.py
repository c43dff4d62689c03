"""AdamW, which weights it shrinks, and how fast it learns at each step."""

import math
from inspect import unwrap

import torch
from torch import nn

from gptviz.training.config import TrainingConfig


def decay_groups(model: nn.Module, weight_decay: float) -> list[dict]:
    """Matrices are decayed; biases and norms, which are vectors, are not."""
    matrices = [p for p in model.parameters() if p.dim() >= 2]
    vectors = [p for p in model.parameters() if p.dim() < 2]
    return [
        {"params": matrices, "weight_decay": weight_decay},
        {"params": vectors, "weight_decay": 0.0},
    ]


class AdamW(torch.optim.AdamW):
    """PyTorch's, without the wrappers that import torch.compile, which nobody uses here.

    That import takes more than half as long as PyTorch's own, and 70 MB.
    """

    add_param_group = unwrap(torch.optim.AdamW.add_param_group)
    zero_grad = unwrap(torch.optim.AdamW.zero_grad)
    step = torch.no_grad()(unwrap(torch.optim.AdamW.step))


def adamw(model: nn.Module, config: TrainingConfig) -> AdamW:
    """AdamW (Loshchilov and Hutter, 2019), fused: one pass over memory a step."""
    return AdamW(
        decay_groups(model, config.weight_decay),
        lr=config.learning_rate,
        betas=(config.beta1, config.beta2),
        fused=True,
    )


def learning_rate(step: int, config: TrainingConfig) -> float:
    """The rate at a step (from 0): a straight warm-up, then the schedule.

    "cosine" is half a cosine down to the minimum, "linear" a straight line down to it, and
    "constant" stays at the highest rate.
    """
    if step < config.warmup_steps:
        return config.learning_rate * (step + 1) / config.warmup_steps
    progress = (step - config.warmup_steps) / max(1, config.steps - config.warmup_steps)
    progress = min(progress, 1.0)
    share = {
        "cosine": (1 + math.cos(math.pi * progress)) / 2,
        "linear": 1 - progress,
        "constant": 1.0,
    }[config.schedule]
    return config.min_learning_rate + share * (config.learning_rate - config.min_learning_rate)
