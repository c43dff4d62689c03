"""A model that learns: from batches to a gradient, from a gradient to new weights."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any

import torch
from torch import Tensor, nn

from gptviz.model import GPT
from gptviz.training.config import TrainingConfig
from gptviz.training.devices import choose_attention
from gptviz.training.loss import cross_entropy
from gptviz.training.optimizer import adamw
from gptviz.training.stopwatch import Stopwatch
from gptviz.training.team import Team


class Learner:
    """A model and its optimiser, in each process that trains a run."""

    def __init__(
        self, config: TrainingConfig, device: torch.device, dtype: torch.dtype, team: Team
    ):
        self.config, self.device, self.dtype, self.team = config, device, dtype, team
        generator = torch.Generator().manual_seed(config.seed)
        attention = choose_attention(config, device, dtype)
        self.model = GPT(config.model, generator, attention).to(device)
        self.optimizer = adamw(self.model, config)
        self.alone = Criterion(self.model)
        self.criterion: nn.Module = self.alone
        self.watch = Stopwatch(device)

    def share(self, begun: bool) -> None:
        """Start all processes of the team from the first one's weights and running means."""
        self.criterion = self.team.wrapped(self.alone)
        if begun:
            self.team.share_memory(self.optimizer)

    def gradient(self, batches: Sequence[tuple[Tensor, Tensor]], seed: int) -> float:
        """Find the gradient of the mean loss of all batches; that loss, in nats a token."""
        # Dropout knows only the process's own generator; each process leaves out other numbers.
        torch.manual_seed(seed * self.team.size + self.team.rank)
        self.model.train()
        total = 0.0
        for i, (inputs, targets) in enumerate(batches, start=1):
            with self.team.backward(self.criterion, last=i == len(batches)):
                mean = self.loss(self.criterion, self.team.part(inputs), self.team.part(targets))
                loss = mean / len(batches)
                self.watch.lap("forward")
                loss.backward()
                total += loss.item()
            self.watch.lap("backward")
        return self.team.mean(total)

    def clip(self) -> float:
        """Shorten a gradient that is too long; its length before."""
        parameters = self.model.parameters()
        return nn.utils.clip_grad_norm_(parameters, self.config.gradient_clip).item()

    def update(self, learning_rate: float) -> None:
        """Correct the weights, and forget the gradient."""
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)

    @torch.no_grad()
    def validate(self, inputs: Tensor, targets: Tensor) -> float:
        """Mean loss of one batch in nats a token, without dropout, by this process alone."""
        self.model.eval()
        return self.loss(self.alone, inputs, targets).item()

    def loss(self, criterion: nn.Module, inputs: Tensor, targets: Tensor) -> Tensor:
        with self.autocast():
            return criterion(inputs.to(self.device), targets.to(self.device))

    def autocast(self) -> AbstractContextManager[Any]:
        """The large products in the type of this run."""
        narrow = self.dtype != torch.float32
        return torch.autocast(self.device.type, dtype=self.dtype, enabled=narrow)


class Criterion(nn.Module):
    """A model and its loss as one module: what a team exchanges gradients of must have a forward.

    The model's own forward would make all logits at once.
    """

    def __init__(self, model: GPT):
        super().__init__()
        self.model = model

    def forward(self, inputs: Tensor, targets: Tensor) -> Tensor:
        """Mean loss in nats a token of texts (B, T) and the tokens that follow (B, T)."""
        hidden = self.model.hidden(inputs).flatten(0, 1)
        return cross_entropy(hidden, self.model.unembedding, targets.flatten())
