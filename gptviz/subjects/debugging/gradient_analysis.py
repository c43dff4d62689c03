"""How strongly one text pulls at each parameter: of the loaded model, or of one that is new."""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Literal

import pandas as pd
import torch
import torch.nn.functional as F
from torch import Tensor

from gptviz.jobs import estimate
from gptviz.language_model import LanguageModel
from gptviz.model import GPT
from gptviz.parameters import count
from gptviz.subjects.debugging.analysis import bare
from gptviz.training.record.gradients import group_of

Progress = Callable[[int, int], None]
Whose = Literal["loaded", "fresh", "no-norms", "no-shortcuts", "neither"]
TYPES = {"attn": "attention", "mlp": "MLP", "norm": "layer norm", "ln_f": "layer norm"}
ENDS = {"lm_head": "output layer"}
FLOAT = 4  # bytes


def by_parameter(
    lm: LanguageModel,
    ids: Sequence[int],
    whose: Whose = "loaded",
    seed: int = 0,
    progress: Progress = lambda done, whole: None,
) -> pd.DataFrame:
    """The gradient of each parameter for the mean loss of a text's next tokens, in nats a token.

    whose is the loaded model, or a fresh one of its shape, drawn with a seed: as it is, without
    layer norms, without shortcuts, or without both. Nothing is trained, and dropout is off.
    Columns: parameter, part (as gptviz.training.record.gradients groups them), type, numbers, norm
    (√Σg²), mean absolute, mean, spread (standard deviation). progress(done, all) is called at each
    block, forward and back. Raises ValueError for fewer than two tokens, if there is no room, and
    for a loss that is no number.
    """
    if len(ids) < 2:
        raise ValueError("a gradient needs a token to guess, and 1 token came; type a longer text")
    _require_room(lm)
    model = _model(lm, whose, seed).requires_grad_(True)
    _tell(model, progress)
    read = torch.tensor([list(ids)])
    with torch.enable_grad():
        loss = F.cross_entropy(model(read[:, :-1])[0], read[0, 1:])
        if not math.isfinite(loss.item()):
            raise ValueError(
                f"the loss of this text is {loss.item()}, which has no gradient; choose another "
                f"model"
            )
        loss.backward()
    rows = []
    for name, parameter in model.named_parameters():
        g = torch.zeros_like(parameter) if parameter.grad is None else parameter.grad
        measures = g.norm(), g.abs().mean(), g.mean(), g.std(correction=0)
        part = group_of(name)
        rows.append((name, part, type_of(part), g.numel(), *map(float, measures)))
    columns = ["parameter", "part", "type", "numbers", "norm", "mean absolute", "mean", "spread"]
    return pd.DataFrame(rows, columns=columns)


def by_part(table: pd.DataFrame) -> pd.DataFrame:
    """The gradients of `by_parameter` together, for each part of each layer in their order."""
    return _together(table, "part")


def by_type(table: pd.DataFrame) -> pd.DataFrame:
    """The gradients of `by_parameter` together, for each type of layer in all of the network."""
    return _together(table, "type")


def whole_norm(table: pd.DataFrame) -> float:
    """The norm of all gradients as one vector: what clipping compares with its limit."""
    return math.sqrt(table["norm"].pow(2).sum())


def type_of(part: str) -> str:
    """embedding, attention, MLP, layer norm or output layer."""
    last = part.rpartition(".")[2]
    return {**TYPES, **ENDS}.get(last, last)


def _together(table: pd.DataFrame, by: str) -> pd.DataFrame:
    """Columns: by, numbers, norm, mean absolute, mean, spread."""
    rows = []
    for name, own in table.groupby(by, sort=False):
        n = own["numbers"].sum()
        mean = (own["mean"] * own["numbers"]).sum() / n
        absolute = (own["mean absolute"] * own["numbers"]).sum() / n
        squares = own["norm"].pow(2).sum()
        spread = math.sqrt(max(0.0, squares / n - mean**2))
        rows.append((name, n, math.sqrt(squares), absolute, mean, spread))
    columns = [by, "numbers", "norm", "mean absolute", "mean", "spread"]
    return pd.DataFrame(rows, columns=columns)


def _model(lm: LanguageModel, whose: Whose, seed: int) -> GPT:
    changes: dict[str, dict[str, Any]] = {
        "no-norms": {"norm": "none"},
        "no-shortcuts": {"norm": "pre", "residual": False},
        "neither": {"norm": "none", "residual": False},
    }
    if whose == "loaded":
        return bare(lm)
    config = replace(lm.config, **changes.get(whose, {}))
    return GPT(config, torch.Generator().manual_seed(seed)).eval()


def _tell(model: GPT, progress: Progress) -> None:
    """Call progress as each block is left, on the way there and on the way back."""
    n = len(model.h)

    def hook(i: int) -> Callable[..., None]:
        def passed(_module: object, _given: object, out: Tensor) -> None:
            progress(i, 3 * n)  # the way back takes about twice as long
            out.register_hook(lambda _: progress(n + 2 * (n - 1 - i), 3 * n))

        return passed

    for i, block in enumerate(model.h):
        block.register_forward_hook(hook(i))


def _require_room(lm: LanguageModel) -> None:
    """Weights of a model of its own, a gradient for each, and as much again on the way."""
    needed, free = 3 * FLOAT * count(lm.config), estimate.available_memory()
    if free is not None and needed > estimate.SPARE * free:
        raise ValueError(
            f"the gradients of this model take about {needed / 1e9:.1f} GB, and {free / 1e9:.1f} "
            f"GB are free here; choose a smaller model"
        )
