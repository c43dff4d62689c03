"""Cross-entropy that never holds the logits of a whole batch."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable

CHUNK = 512


class _ChunkedCrossEntropy(torch.autograd.Function):
    """Loss and both gradients in one pass over the tokens, a chunk at a time.

    Logits are the largest tensor of a training step (4,096 tokens × 50,257 numbers are
    823 MB), so they are made, used and dropped before the next chunk's are made.
    """

    @staticmethod
    def forward(
        ctx: Any, hidden: Tensor, weight: Tensor, targets: Tensor, dtype: torch.dtype
    ) -> Tensor:
        n_tokens = len(targets)
        narrow = weight.to(dtype)
        total = hidden.new_zeros((), dtype=torch.float32)
        d_hidden = torch.empty_like(hidden)
        d_weight = torch.zeros_like(weight)
        for start in range(0, n_tokens, CHUNK):
            part = slice(start, start + CHUNK)
            h, y = hidden[part].to(dtype), targets[part].unsqueeze(1)
            log_probs = (h @ narrow.t()).float().log_softmax(-1)  # (chunk, V)
            total -= log_probs.gather(1, y).sum()
            d_logits = log_probs.exp_()
            d_logits.scatter_add_(1, y, d_logits.new_full(y.shape, -1.0))
            d_logits = d_logits.div_(n_tokens).to(dtype)
            d_hidden[part] = d_logits @ narrow
            d_weight += d_logits.t() @ h
        ctx.save_for_backward(d_hidden, d_weight)
        return total / n_tokens

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, d_loss: Tensor) -> tuple[Tensor, Tensor, None, None]:
        d_hidden, d_weight = ctx.saved_tensors
        return d_hidden * d_loss, d_weight * d_loss, None, None


def cross_entropy(hidden: Tensor, weight: Tensor, targets: Tensor) -> Tensor:
    """Mean of −log p(target) in nats, where logits = hidden · weightᵀ.

    hidden (N, C) is the normed residual stream, weight (V, C) the unembedding, targets (N,)
    token ids. Under autocast the products run in its type; the softmax is always float32.
    """
    kind = hidden.device.type
    dtype = torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else weight.dtype
    with torch.autocast(kind, enabled=False):
        if torch.is_grad_enabled():
            return _ChunkedCrossEntropy.apply(hidden.float(), weight, targets, dtype)
        narrow = weight.to(dtype)
        parts = zip(hidden.split(CHUNK), targets.split(CHUNK), strict=True)
        losses = [
            F.cross_entropy((h.to(dtype) @ narrow.t()).float(), y, reduction="sum")
            for h, y in parts
        ]
        return torch.stack(losses).sum() / len(targets)
