"""AdamW and Muon, which weights are decayed, and the learning rate of each step."""

import math
from inspect import unwrap

import torch
from torch import Tensor, nn

from gptviz.model import GPT
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
    """PyTorch's, without the wrappers that import torch.compile, which is not used here.

    That import takes more than half as long as PyTorch's own, and 70 MB.
    """

    add_param_group = unwrap(torch.optim.AdamW.add_param_group)
    zero_grad = unwrap(torch.optim.AdamW.zero_grad)
    step = torch.no_grad()(unwrap(torch.optim.AdamW.step))


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

    AdamW (Loshchilov and Hutter, 2019) is fused: one pass over memory a step. Muon (Jordan et al.,
    2024) makes all directions of a matrix's update equally long; it takes the matrices of the
    blocks, scaled so that one rate serves both, and AdamW the rest, embeddings among it.
    """
    if config.optimizer == "adamw":
        return adamw(decay_groups(model, config.weight_decay), config)
    if not hasattr(torch.optim, "Muon"):
        raise ValueError(
            f"Muon comes with PyTorch 2.9, and this is {torch.__version__}; install a newer one or "
            f"choose the optimizer adamw"
        )
    matrices, vectors = decay_groups(model, config.weight_decay)
    inside = {id(p) for p in model.h.parameters()}
    of_blocks = [p for p in matrices["params"] if id(p) in inside]
    matrices["params"] = [p for p in matrices["params"] if id(p) not in inside]
    muon = _muon(of_blocks, config)
    return Optimizers(muon, adamw([matrices, vectors], config))


def adamw(groups: list[dict], config: TrainingConfig) -> AdamW:
    """AdamW with a run's settings for these groups of parameters."""
    return AdamW(groups, lr=config.learning_rate, betas=(config.beta1, config.beta2), fused=True)


def _muon(matrices: list[nn.Parameter], config: TrainingConfig) -> torch.optim.Optimizer:
    return torch.optim.Muon(
        matrices,
        lr=config.learning_rate,
        weight_decay=config.weight_decay,
        adjust_lr_fn="match_rms_adamw",
    )


def empty_memory(group: dict, parameter: nn.Parameter) -> dict[str, Tensor]:
    """An optimiser's state for a parameter of this group, as zeros."""
    if "ns_steps" in group:  # Muon's
        return {"momentum_buffer": torch.zeros_like(parameter)}
    return {
        "step": torch.zeros((), device=parameter.device),
        "exp_avg": torch.zeros_like(parameter),
        "exp_avg_sq": torch.zeros_like(parameter),
    }


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
