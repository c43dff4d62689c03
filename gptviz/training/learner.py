"""A model that learns: from batches to a gradient, and from a gradient to new weights."""

import math
from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any

import torch
from torch import Tensor, nn
from torch.amp import GradScaler

from gptviz.model import GPT, CausalSelfAttention, masked_scores
from gptviz.training.batches import UNKNOWABLE, Batch
from gptviz.training.config import TrainingConfig
from gptviz.training.devices import choose_attention
from gptviz.training.loss import cross_entropy
from gptviz.training.optimizer import new_optimizer
from gptviz.training.process_group import ProcessGroup
from gptviz.training.record.observer import Observer
from gptviz.training.way import Way

NOBODY = Observer()


class Learner:
    """A model and its optimiser, in each process that trains a run."""

    def __init__(
        self, config: TrainingConfig, device: torch.device, dtype: torch.dtype, group: ProcessGroup
    ):
        self.config, self.device, self.group = config, device, group
        generator = torch.Generator().manual_seed(config.seed)
        self.model = GPT(config.model, generator).to(device)
        self.optimizer = new_optimizer(self.model, config)
        self.local = Criterion(self.model, guided=config.guide_previous > 0)
        self.criterion: nn.Module = self.local  # that of the whole group once it is shared
        self.scaler = GradScaler(device.type, enabled=False)
        self.use(Way(dtype, choose_attention(config, device, dtype), None))

    def use(self, way: Way) -> None:
        """Compute the same loss in another way from here on."""
        self.way, self.dtype, self.local.chunk = way, way.dtype, way.chunk
        # Small gradients would be 0 in float16 (Micikevicius et al., 2018); the others need none.
        if (narrow := way.dtype == torch.float16) != self.scaler.is_enabled():
            self.scaler = GradScaler(self.device.type, enabled=narrow)
        for module in self.model.modules():
            if isinstance(module, CausalSelfAttention):
                module.attention = way.attention

    def share(self, resumed: bool) -> None:
        """Start all processes of the group from rank 0's weights and running means."""
        self.criterion = self.group.data_parallel(self.local)
        if resumed:
            self.group.broadcast_optimizer(self.optimizer)

    def gradient(self, batches: Sequence[Batch], seed: int, observer: Observer = NOBODY) -> float:
        """Find the gradient of the mean loss of all batches; that loss, in nats a token."""
        # Dropout draws from the process's own generator; each process drops other numbers.
        torch.manual_seed(seed * self.group.world_size + self.group.rank)
        total = 0.0
        for i, batch in enumerate(batches, start=1):
            self.model.train(batch.dropout)
            with self.group.backward(self.criterion, last=i == len(batches)):
                loss, guidance = self.mean_loss(batch)
                observer.forward_done()
                whole = (loss + self.config.guide_previous * guidance) / len(batches)
                self.scaler.scale(whole).backward()
                total += loss.item() / len(batches)
            observer.backward_done()
        self.scaler.unscale_(self.optimizer)
        return self.group.mean(total)

    def clip(self) -> float:
        """Scale a gradient down that is too long; its length before."""
        parameters = self.model.parameters()
        return nn.utils.clip_grad_norm_(parameters, self.config.gradient_clip).item()

    def runs_over(self, gradient_norm: float) -> bool:
        """Whether a gradient is infinite only for the scale of float16: it is lowered after that.

        The weights then stay as they are, as the scaler sees to.
        """
        scaled = self.scaler.is_enabled() and self.scaler.get_scale() > 1
        return scaled and not math.isfinite(gradient_norm)

    def update(self, learning_rate: float) -> None:
        """Change the weights against the gradient, and clear the gradient."""
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate
        self.scaler.step(self.optimizer)
        self.scaler.update()
        self.optimizer.zero_grad(set_to_none=True)

    def mean_loss(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Loss and guidance of this process's shard; the batch's is the mean over processes."""
        shard = self.group.shard
        inputs, targets = shard(batch.inputs).to(self.device), shard(batch.targets).to(self.device)
        n_targets = batch.n_targets / self.group.world_size
        with self.autocast():
            if batch.candidates is None:
                return self.criterion(inputs, targets, n_targets)
            ids, bias = batch.candidates.ids, batch.candidates.bias
            return self.criterion(
                inputs, targets, n_targets, ids.to(self.device), bias.to(self.device)
            )

    @torch.no_grad()
    def validate(self, inputs: Tensor, targets: Tensor) -> float:
        """Mean loss of one batch in nats a token, without dropout, by this process only."""
        self.model.eval()
        with self.autocast():
            loss, _ = self.local(inputs.to(self.device), targets.to(self.device), targets.numel())
        return loss.item()

    def autocast(self) -> AbstractContextManager[Any]:
        """Matrix products in the type of this run."""
        narrow = self.dtype != torch.float32
        return torch.autocast(self.device.type, dtype=self.dtype, enabled=narrow)


class Criterion(nn.Module):
    """A model and its loss as one module, because DistributedDataParallel wraps a module.

    The model's own forward would make all logits at once.
    """

    def __init__(self, model: GPT, guided: bool = False):
        super().__init__()
        self.model, self.guided = model, guided
        self.chunk: int | None = None  # see cross_entropy
        self.q = self.k = torch.empty(0)  # of the guided head: the first of the first layer
        if guided:
            q, k = (model.get_submodule(f"h.0.attn.{name}") for name in ("q", "k"))
            q.register_forward_hook(lambda *seen: setattr(self, "q", seen[-1][:, 0]))
            k.register_forward_hook(lambda *seen: setattr(self, "k", seen[-1][:, 0]))

    def forward(
        self,
        inputs: Tensor,
        targets: Tensor,
        n_targets: float,
        ids: Tensor | None = None,
        bias: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Sum of the losses of texts (B, T) and the tokens that follow (B, T), ÷ n_targets.

        In nats a token, with the guidance beside it. Targets that are UNKNOWABLE do not count. With
        ids and bias (N,) each, the right token is looked for only among those (see Candidates in
        gptviz.training.batches).
        """
        hidden = self.model.hidden(inputs).flatten(0, 1)
        weight, targets = self.model.unembedding, targets.flatten()
        known = targets != UNKNOWABLE
        if not known.all():
            hidden, targets = hidden[known], targets[known]
        if ids is not None:
            place = torch.empty(len(weight), dtype=torch.long, device=ids.device)
            place[ids] = torch.arange(len(ids), device=ids.device)
            weight, targets = weight[ids], place[targets]
        loss = cross_entropy(hidden, weight, targets, bias, n_targets, self.chunk)
        return loss, looking_back(self.q, self.k) if self.guided else loss.new_zeros(())


def looking_back(q: Tensor, k: Tensor) -> Tensor:
    """How little a head looks at the token before: the mean of −ln of that weight, in nats.

    q and k are its queries and keys (B, T, d); the first position has no token before it. A loss
    with this term guides the head (Deshpande and Narasimhan, 2020).
    """
    divisor = math.sqrt(q.size(-1))
    pattern = masked_scores(q.float(), k.float(), divisor).log_softmax(-1)  # (B, T, T)
    return -pattern.diagonal(-1, -2, -1).mean() if q.size(-2) > 1 else q.new_zeros(())
