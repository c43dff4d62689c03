"""A quicker product for large layers, where it is as exact and measured to be quicker.

oneDNN, which PyTorch brings along, multiplies float32 matrices up to twice as fast as PyTorch's
own choice on some processors, and slower on others. PyTorch has that as a private operator, so
this is the one place that knows it: if the operator is missing, rounds more than float32 does, or
is not clearly quicker on this processor, the layers stay as they are.
"""

import logging
import statistics
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import Any, TypeGuard

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gptviz.layers import DotProducts
from gptviz.model import GPT

log = logging.getLogger("gptviz")

# What a private operator says that is not in this build, or takes other arguments.
_UNUSABLE = (AttributeError, RuntimeError, TypeError)
# Measured on two cores: below this many numbers the call costs more than the product saves.
LARGE = 2**18
# A layout of oneDNN's own takes as much memory again; beyond this a laptop needs it for others.
MOST_BYTES = 2 * 2**30
# Largest error of a product, as a part of its largest number: float32 stays 20 times below it,
# bfloat16 and TF32, which some processors put in its place, are 30 times above it.
TOLERANCE = 1e-5
# The share of PyTorch's time that oneDNN may take at most, for one row and for more. For a token a
# narrow win may be chance. Of many rows a short measurement sees too little of what the layout
# saves: where it looked like a tie on an Intel Xeon, whole traces took a sixth less with it.
MARGIN_OF_ONE, MARGIN_OF_MANY = 0.9, 1.1
# What is multiplied to find that out: a short prompt, and a token that is written. A token's time
# is that of fetching the weights, so it has one matrix after another, too large in all for the
# memory beside the cores: weights that are still there make both products look alike.
ROWS = (1, 64)
SIDE = 768
LONG = {1: 4 * SIDE, 64: SIDE}  # rows of a matrix, by how many rows are multiplied
MATRICES = {1: 7, 64: 3}
PATIENCE = 0.02  # seconds after which a busy machine times no more of them

_measuring = threading.Lock()


def speed_up(model: GPT) -> None:
    """Put modules with the quicker product in place of large layers; they compute the same.

    A layer that is used again keeps its weight in oneDNN's own layout too, which saves a tenth
    of the time, unless the model is so large that memory matters more.
    """
    layers = {f"h.{name}": module for name, module in model.h.named_modules() if _is_large(module)}
    matrices = [layer.weight for layer in layers.values()]
    if compares := model.unembedding.numel() > LARGE:
        matrices.append(model.unembedding)
    lies = {matrix.is_contiguous() for matrix in matrices}
    if not any(is_quicker(n_rows, by_rows) for by_rows in lies for n_rows in ROWS):
        return
    keep = sum(matrix.nbytes for matrix in matrices) <= MOST_BYTES
    for name, layer in layers.items():
        model.set_submodule(name, QuickLinear(layer, keep))
    if compares:
        model.set_submodule("compare", QuickDotProducts(keep))


def is_quicker(n_rows: int, by_rows: bool) -> bool:
    """Whether oneDNN multiplies so many rows by such weights as exactly, and clearly quicker.

    by_rows tells how the weights lie in memory. It is measured once a process: with another
    answer later, two traces of one prompt could differ in their last bits.
    """
    if not exact():
        return False
    with _measuring:
        pytorch, onednn = seconds()[n_rows == 1, by_rows]
    return onednn < margin(n_rows) * pytorch


def margin(n_rows: int) -> float:
    """The share of PyTorch's time that oneDNN may take for so many rows."""
    return MARGIN_OF_ONE if n_rows == 1 else MARGIN_OF_MANY


@cache
def exact() -> bool:
    """Whether the quicker product is there and as exact as float32 on this processor."""
    try:
        with torch.inference_mode():
            for weight, x in _samples():
                right = F.linear(x.double(), weight.double())
                error = (_linear(x, weight, None) - right).abs().max() / right.abs().max()
                if not error < TOLERANCE:
                    log.info("oneDNN rounds more than float32 here, so PyTorch multiplies")
                    return False
    except _UNUSABLE:
        log.info("this PyTorch does not offer oneDNN's product, so its own is used")
        return False
    return True


@cache
def layout_changes_nothing() -> bool:
    """Whether oneDNN's layout can be had, and products have the same bits with it.

    Otherwise a layer's second result would differ from its first one.
    """
    try:
        with torch.inference_mode():
            return all(
                torch.equal(_linear(x, weight, None), _linear(x, _reordered(weight), None))
                for weight, x in _samples()
                if not _best_as_it_lies(weight, len(x))
            )
    except _UNUSABLE:
        return False


class QuickLinear(nn.Module):
    """An nn.Linear with the quicker product, over the same weight and bias."""

    def __init__(self, layer: nn.Linear, keep: bool):
        super().__init__()
        self.weight, self.bias = layer.weight, layer.bias
        self.product = _Product(keep)

    def forward(self, x: Tensor) -> Tensor:
        return self.product(x, self.weight, self.bias)


class QuickDotProducts(DotProducts):
    """The comparison with every token by the quicker product."""

    def __init__(self, keep: bool):
        super().__init__()
        self.product = _Product(keep)

    def forward(self, x: Tensor, matrix: Tensor) -> Tensor:
        return self.product(x, matrix)


class _Product:
    """The quicker product with one weight, and what it keeps beside it."""

    def __init__(self, keep: bool):
        self.keep = keep
        self.used: tuple[Any, Tensor | None] = None, None  # a weight, and its layout if made

    def __call__(self, x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
        n_rows = x.numel() // x.size(-1)
        learning = torch.is_grad_enabled() and (x.requires_grad or weight.requires_grad)
        float32 = x.dtype == weight.dtype == torch.float32
        applies = float32 and not learning and x.is_cpu and weight.is_cpu
        if not applies or not is_quicker(n_rows, weight.is_contiguous()):
            return F.linear(x, weight, bias)
        return _linear(x, self.layout(weight.detach(), n_rows), bias)

    def layout(self, weight: Tensor, n_rows: int) -> Tensor:
        """The weight as it lies the first time, since making the layout takes longer than a use."""
        if not self.keep or _best_as_it_lies(weight, n_rows):
            return weight
        key = weight.data_ptr(), 0 if weight.is_inference() else weight._version
        used, made = self.used
        if used != key:
            self.used = key, None
            return weight
        if made is None and layout_changes_nothing():
            made = _reordered(weight)
            self.used = key, made
        return weight if made is None else made

    def __deepcopy__(self, memo: dict[int, Any]) -> "_Product":
        return _Product(self.keep)  # a copy has weights of its own


def _is_large(module: nn.Module) -> TypeGuard[nn.Linear]:
    return isinstance(module, nn.Linear) and module.weight.numel() > LARGE


def _best_as_it_lies(weight: Tensor, n_rows: int) -> bool:
    """For a single row oneDNN itself would choose rows of weights that lie one after another."""
    return n_rows == 1 and weight.is_contiguous()


@cache
@torch.inference_mode()
def seconds() -> dict[tuple[bool, bool], tuple[float, float]]:
    """What a product takes by PyTorch and by oneDNN, for one row or more, by rows or not.

    It takes 30 to 40 ms, longer only on a machine that is busy with other work.
    """
    found = {}
    memory = {n: torch.ones(MATRICES[n], LONG[n] * SIDE) for n in ROWS}
    for by_rows in (True, False):
        for n_rows in ROWS:
            shape = (-1, LONG[n_rows], SIDE) if by_rows else (-1, SIDE, LONG[n_rows])
            matrices = memory[n_rows].view(shape)
            weights = list(matrices if by_rows else matrices.mT)
            laid = weights
            if n_rows > 1 and layout_changes_nothing():  # a token gains little from the layout
                laid = [_reordered(weight) for weight in weights]
            x = torch.ones(n_rows, SIDE)
            pytorch = statistics.median(_times(F.linear, x, weights))
            onednn = statistics.median(_times(_linear, x, laid))
            found[n_rows == 1, by_rows] = pytorch, onednn
            log.info(
                "%s × weights that lie by %s: PyTorch %.2f ms, oneDNN %.2f ms, so %s multiplies",
                "1 row" if n_rows == 1 else f"{n_rows} rows",
                "rows" if by_rows else "columns",
                1000 * pytorch,
                1000 * onednn,
                "oneDNN" if onednn < margin(n_rows) * pytorch else "PyTorch",
            )
    return found


def _times(product: Callable[..., Tensor], x: Tensor, weights: Sequence[Tensor]) -> Iterator[float]:
    """Seconds that a product of x takes with each of these weights."""
    product(x, weights[0], None)  # the first time a plan is made
    end = time.perf_counter() + PATIENCE
    for weight in weights:
        start = time.perf_counter()
        product(x, weight, None)
        yield (now := time.perf_counter()) - start
        if now > end:
            return


def _samples() -> list[tuple[Tensor, Tensor]]:
    """Weights (640, 768), lying either way, each with a few numbers of rows to multiply."""
    generator = torch.Generator().manual_seed(0)
    by_rows = torch.randn(640, 768, generator=generator)
    by_columns = by_rows.t().contiguous().t()
    xs = [torch.randn(n_rows, 768, generator=generator) for n_rows in (1, 17, 64)]
    return [(weight, x) for weight in (by_rows, by_columns) for x in xs]


def _reordered(weight: Tensor) -> Tensor:
    return torch.ops.mkldnn._reorder_linear_weight(weight)


def _linear(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    return torch.ops.mkldnn._linear_pointwise(x, weight, bias, "none", [], "")
