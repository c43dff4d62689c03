"""The network as PyTorch has it: what goes into each module and comes out, and what it is made of.

Letters of shapes are those of gptviz.model; D is the width inside an MLP.
"""

from collections.abc import Callable

import pandas as pd
import torch
from torch import Tensor, nn

from gptviz.activations import Trace
from gptviz.checkpoints.weights import unfilled
from gptviz.language_model import LanguageModel
from gptviz.model import GPT

# What comes out of a module, by the last part of its name.
OUTPUTS = {
    **dict.fromkeys(("wte", "embed", "drop", "ln_1", "ln_2", "ln_f", "normalized"), "B × T × C"),
    **dict.fromkeys(("attn", "c_proj", "resid_dropout", "resid_mid"), "B × T × C"),
    **dict.fromkeys(("mlp", "dropout"), "B × T × C"),
    **dict.fromkeys(("pre", "act", "c_fc"), "B × T × D"),
    **dict.fromkeys(("q", "k", "v", "z"), "B × H × T × d"),
    **dict.fromkeys(("scores", "pattern", "attn_dropout"), "B × H × T × T"),
    **dict.fromkeys(("compare", "logits"), "B × T × V"),
    "wpe": "1 × T × C",
    "scale": "B × T × 1",
    "c_attn": "B × T × 3C",
}


def bare(lm: LanguageModel) -> GPT:
    """The same network over the same numbers, with modules of its own that nobody else runs.

    So it may get hooks and gradients of its own while others look into the model.
    """
    model = unfilled(lm.config)
    model.load_state_dict(lm.model.state_dict(), assign=True)
    return model.eval()


@torch.inference_mode()
def walk(lm: LanguageModel, trace: Trace) -> pd.DataFrame:
    """Each module that the ids of a trace pass, in the order in which they come to it.

    A hook at every module notes what goes in and comes out. Columns: module, class, input, output
    (shapes, as "1 × 7 × 256"), letters (the output's), numbers (how many come out), recorded
    (whether the trace holds a tensor of this name and this shape).
    """
    model = bare(lm)
    rows: dict[str, list[str | int | bool]] = {}

    def come(name: str) -> Callable[..., None]:
        def note(module: nn.Module, given: tuple[Tensor, ...]) -> None:
            shapes = [_written(x.shape) for x in given if isinstance(x, Tensor)]
            rows[name] = [name, type(module).__name__, " and ".join(shapes)]

        return note

    def leave(name: str) -> Callable[..., None]:
        def note(_module: nn.Module, _given: tuple[Tensor, ...], out: Tensor) -> None:
            there = name in trace and tuple(out.shape) == (1, *trace[name].shape)
            letters = OUTPUTS.get(name.rpartition(".")[2], "B × T × C")  # a block: h.0
            rows[name] += [_written(out.shape), letters, out.numel(), there]

        return note

    for name, module in model.named_modules():
        if name:
            module.register_forward_pre_hook(come(name))
            module.register_forward_hook(leave(name))
    model(torch.tensor([trace.ids]))
    columns = ["module", "class", "input", "output", "letters", "numbers", "recorded"]
    return pd.DataFrame(list(rows.values()), columns=columns)


def modules(model: LanguageModel | nn.Module) -> pd.DataFrame:
    """What print(model) shows, as a table: a row for each module, of any PyTorch network.

    Columns: module (its path; the first row is the whole network), class, parameters (all numbers
    that training adjusts, in it and in what it is made of), shapes (of those that are its own).
    """
    network = bare(model) if isinstance(model, LanguageModel) else model
    rows = [
        (
            name or type(network).__name__,
            type(module).__name__,
            sum(parameter.numel() for parameter in module.parameters()),
            ", ".join(
                f"{own} {_written(parameter.shape)}"
                for own, parameter in module.named_parameters(recurse=False)
            ),
        )
        for name, module in network.named_modules()
    ]
    return pd.DataFrame(rows, columns=["module", "class", "parameters", "shapes"])


def _written(shape: torch.Size) -> str:
    return " × ".join(f"{size:,}" for size in shape) or "1"
