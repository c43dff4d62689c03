"""The smallest parts of the network: norms that can be looked into, positions that are not learnt.

A class that PyTorch has, nn.Linear or nn.Embedding, is used as it is.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gptviz.config import GPTConfig


class Inner(nn.Identity):
    """A tensor inside an operation that PyTorch has in one piece: made only where it is wanted."""

    @property
    def wanted(self) -> bool:
        """Whether a hook waits for the tensor, so that the operation must go step by step."""
        return bool(self._forward_hooks or self._forward_pre_hooks)


class LayerNorm(nn.LayerNorm):
    """Each vector gets mean 0 and variance 1, then γ and β (Ba, Kiros and Hinton, 2016).

    It is one operation, or the same step by step where scale or normalized is wanted.
    """

    def __init__(self, config: GPTConfig):
        super().__init__(config.n_embd, eps=config.layer_norm_epsilon)
        self.scale, self.normalized = Inner(), Inner()

    def forward(self, x: Tensor) -> Tensor:
        if not (self.scale.wanted or self.normalized.wanted):
            return super().forward(x)
        scale = self.scale(norm_scale(x, self.eps))  # (B, T, 1)
        normalized = self.normalized(centred(x) * scale)  # (B, T, C)
        return self.weight * normalized + self.bias


def layer_norm(config: GPTConfig) -> nn.Module:
    """A norm of a block, or nothing where the model has none."""
    return nn.Identity() if config.norm == "none" else LayerNorm(config)


def centred(x: Tensor) -> Tensor:
    """Vectors (…, C), each less its mean."""
    return x - x.mean(-1, keepdim=True)


def norm_scale(x: Tensor, epsilon: float) -> Tensor:
    """What brings each vector (…, C), once centred, to variance 1: 1/√(variance + ε), (…, 1)."""
    return (centred(x).square().mean(-1, keepdim=True) + epsilon).rsqrt()


def position_embedding(config: GPTConfig) -> nn.Module:
    """What turns positions (1, T) into vectors (1, T, C): learnt ones, waves or zeros."""
    if config.position == "learned":
        return nn.Embedding(config.block_size, config.n_embd)
    return (SinusoidalPositions if config.position == "sinusoidal" else NoPositions)(config)


class SinusoidalPositions(nn.Module):
    """Fixed waves in place of learned positions (Vaswani et al., 2017, section 3.5)."""

    def __init__(self, config: GPTConfig):
        super().__init__()
        self.n_embd = config.n_embd

    def forward(self, positions: Tensor) -> Tensor:
        even = torch.arange(0, self.n_embd, 2, device=positions.device)
        angles = positions.unsqueeze(-1) / 10_000 ** (even / self.n_embd)
        return torch.stack((angles.sin(), angles.cos()), dim=-1).flatten(-2)  # (1, T, C)


class NoPositions(nn.Module):
    """Zeros: the model is told nothing of the order except by the causal mask."""

    def __init__(self, config: GPTConfig):
        super().__init__()
        self.n_embd = config.n_embd

    def forward(self, positions: Tensor) -> Tensor:
        return torch.zeros(*positions.shape, self.n_embd, device=positions.device)  # (1, T, C)


class Nothing(nn.Module):
    """In the place of a part that a block does without: it adds nothing to the stream."""

    def forward(self, x: Tensor, _cache: object = None) -> Tensor:
        return torch.zeros_like(x)  # (B, T, C)


class DotProducts(nn.Module):
    """How well each of the vectors (…, C) fits each row of a matrix (V, C): (…, V)."""

    def forward(self, x: Tensor, matrix: Tensor) -> Tensor:
        return F.linear(x, matrix)
