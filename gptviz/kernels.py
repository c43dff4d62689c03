"""A quicker product for layers whose weights stay as they are, where it is just as exact.

oneDNN, which PyTorch brings along, multiplies float32 matrices up to twice as fast as PyTorch's
own choice when it may keep the weights in a layout of its own. PyTorch has that as a private
operator, so this is the one place that knows it: if the operator is missing, rounds more than
float32 does on this processor, or does not apply, the layer computes as it always did.
"""

from functools import cache
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gptviz.model import GPT

# Measured on two cores: below this many numbers the call costs more than the layout saves.
WORTH_PACKING = 2**18
# The second layout takes as much memory again; beyond this a laptop needs it for other things.
MOST_BYTES = 2 * 2**30
# Largest error of a product, as a part of its largest number: float32 stays 20 times below it,
# bfloat16 and TF32, which some processors put in its place, are 30 times above it.
TOLERANCE = 1e-5


def pack(model: GPT) -> None:
    """Give a model's large layers the quicker product. What they compute does not change.

    The layout is made when a layer first runs, and made again if its weight has been changed.
    """
    matrices = [m for m in model.modules() if isinstance(m, nn.Linear) and _large(m.weight)]
    weights = {id(m.weight): m.weight for m in matrices}
    if _large(model.unembedding):
        weights[id(model.unembedding)] = model.unembedding
    if sum(w.nbytes for w in weights.values()) > MOST_BYTES:
        return
    for module in matrices:
        module.forward = _Linear(module).forward  # type: ignore[method-assign,assignment]
    if _large(model.unembedding):
        model.unembed = _Unembed(model).unembed  # type: ignore[method-assign]


@cache
def exact() -> bool:
    """Whether the quicker product is there and as exact as float32 on this processor."""
    generator = torch.Generator().manual_seed(0)
    weight = torch.randn(640, 768, generator=generator)
    bias = torch.randn(640, generator=generator)
    try:
        with torch.inference_mode():
            packed = _reordered(weight)
            for n_tokens in (1, 17, 64):
                x = torch.randn(n_tokens, 768, generator=generator)
                right = F.linear(x.double(), weight.double(), bias.double())
                error = (_packed_linear(x, packed, bias) - right).abs().max() / right.abs().max()
                if not error < TOLERANCE:
                    return False
    except (AttributeError, RuntimeError, TypeError):  # not in this build, or with other arguments
        return False
    return True


class _Packed:
    """A weight in oneDNN's layout beside the weight itself."""

    def __init__(self) -> None:
        self.made: tuple[Any, Tensor] | None = None

    def linear(self, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        learning = torch.is_grad_enabled() and (x.requires_grad or weight.requires_grad)
        float32 = x.dtype == weight.dtype == torch.float32
        if learning or not float32 or not x.is_cpu or not weight.is_cpu or not exact():
            return F.linear(x, weight, bias)
        version = 0 if weight.is_inference() else weight._version
        made, key = self.made, (weight.data_ptr(), version)
        if made is None or made[0] != key:
            made = self.made = (key, _reordered(weight))
        return _packed_linear(x, made[1], bias)

    def __deepcopy__(self, memo: dict[int, Any]) -> "_Packed":
        return _Packed()  # a copy has weights of its own


class _Linear:
    def __init__(self, module: nn.Linear):
        self.module, self.packed = module, _Packed()

    def forward(self, x: Tensor) -> Tensor:
        return self.packed.linear(x, self.module.weight, self.module.bias)


class _Unembed:
    def __init__(self, model: GPT):
        self.model, self.packed = model, _Packed()

    def unembed(self, x: Tensor) -> Tensor:
        return self.model.logits(self.packed.linear(x, self.model.unembedding, None))


def _large(weight: Tensor) -> bool:
    return weight.numel() > WORTH_PACKING


def _reordered(weight: Tensor) -> Tensor:
    return torch.ops.mkldnn._reorder_linear_weight(weight.detach())


def _packed_linear(x: Tensor, packed: Tensor, bias: Tensor | None) -> Tensor:
    return torch.ops.mkldnn._linear_pointwise(x, packed, bias, "none", [], "")
