"""Cross-entropy that never holds the logits of a whole batch."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable

GROUP = 1024  # tokens whose logits are in memory at once
CHUNK = 32  # tokens whose softmax is computed while their logits are in a processor's cache
MOST_WIDE = 2**24  # numbers: the most that one chunk's logits may take in float32


def chunks(vocab_size: int) -> list[int]:
    """How many tokens' softmax can be computed at once; which is quickest, a processor knows."""
    return [CHUNK, *(n for n in (4 * CHUNK, GROUP) if n * vocab_size <= MOST_WIDE)]


class _GroupedCrossEntropy(torch.autograd.Function):
    """Loss and both gradients in one pass over the tokens, a group at a time.

    Logits are the largest tensor of a training step (4,096 tokens × 50,257 numbers are
    823 MB), so those of each group take the place of the last one's, and their gradient theirs.
    """

    @staticmethod
    def forward(
        ctx: Any,
        hidden: Tensor,
        weight: Tensor,
        targets: Tensor,
        bias: Tensor | None,
        n_tokens: float,
        dtype: torch.dtype,
        chunk: int,
    ) -> Tensor:
        V = len(weight)
        narrow = weight.to(dtype)
        # Taken once: asking the system for this much memory again and again takes as long as
        # the softmax does.
        memory = narrow.new_empty(min(GROUP, len(targets)), V)
        wide_memory = hidden.new_empty(min(chunk, len(targets)), V)
        # A token's part of the mean is nearly 0 in float16, so there the mean is taken at the end.
        unit = 1.0 if dtype == torch.float16 else n_tokens
        loss = hidden.new_zeros(())
        d_hidden, d_weight = torch.empty_like(hidden), None
        for start in range(0, len(targets), GROUP):
            part = slice(start, start + GROUP)
            h = hidden[part].to(dtype)
            logits = torch.mm(h, narrow.t(), out=memory[: len(h)])  # (group, V)
            for x, y in zip(logits.split(chunk), targets[part].split(chunk), strict=True):
                loss += _loss_and_gradient(x, y, bias, unit, wide_memory[: len(y)])
            d_logits = logits
            d_hidden[part] = d_logits @ narrow
            d_narrow = d_logits.t() @ h
            d_weight = d_narrow.to(weight.dtype) if d_weight is None else d_weight.add_(d_narrow)
        d_weight = torch.zeros_like(weight) if d_weight is None else d_weight
        if unit != n_tokens:
            for whole in (loss, d_hidden, d_weight):
                whole *= unit / n_tokens
        ctx.save_for_backward(d_hidden, d_weight)
        return loss

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, d_loss: Tensor) -> tuple[Tensor | None, ...]:
        d_hidden, d_weight = ctx.saved_tensors
        return d_hidden * d_loss, d_weight * d_loss, None, None, None, None, None


def _loss_and_gradient(
    logits: Tensor, targets: Tensor, bias: Tensor | None, n_tokens: float, p: Tensor
) -> Tensor:
    """These tokens' part of the mean loss of n_tokens; their logits become that part's gradient.

    The gradient is the softmax p, less 1 at the target. p gives the float32 memory for it; it
    and the logits are (N, V).
    """
    y = targets.unsqueeze(1)
    p.copy_(logits)
    if bias is not None:
        p += bias
    p -= p.amax(-1, keepdim=True)
    at_target = p.gather(1, y)
    sums = p.exp_().sum(-1, keepdim=True)
    p.div_(sums * n_tokens).scatter_add_(1, y, p.new_full(y.shape, -1 / n_tokens))
    logits.copy_(p)
    return (sums.log() - at_target).sum() / n_tokens


def cross_entropy(
    hidden: Tensor,
    weight: Tensor,
    targets: Tensor,
    bias: Tensor | None = None,
    n_tokens: float | None = None,
    chunk: int | None = None,
) -> Tensor:
    """Mean of −log p(target) in nats, where logits = hidden · weightᵀ + bias.

    hidden (N, C) is the normed residual stream, weight (V, C) the unembedding, targets (N,) rows
    of it, bias (V,) or None. n_tokens is what their sum is divided by, N if nothing is said; chunk
    is how many tokens' softmax is computed at once, which changes nothing but the time. Under
    autocast the products run in its type; the softmax is always float32.
    """
    kind = hidden.device.type
    dtype = torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else weight.dtype
    n_tokens = len(targets) if n_tokens is None else n_tokens
    chunk = chunk or (CHUNK if kind == "cpu" else GROUP)
    with torch.autocast(kind, enabled=False):
        if torch.is_grad_enabled():
            return _GroupedCrossEntropy.apply(
                hidden.float(), weight, targets, bias, n_tokens, dtype, chunk
            )
        narrow = weight.to(dtype)
        parts = zip(hidden.split(GROUP), targets.split(GROUP), strict=True)
        losses = [
            F.cross_entropy(_wide(h.to(dtype) @ narrow.t(), bias), y, reduction="sum")
            for h, y in parts
        ]
        return torch.stack(losses).sum() / n_tokens


def _wide(logits: Tensor, bias: Tensor | None) -> Tensor:
    return logits.float() if bias is None else logits.float() + bias
