"""The optimisers on one tiny GPT with the same batches, and what each does with weight decay."""

import functools
import math
from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F
from torch import nn

from gptviz.config import GPTConfig
from gptviz.model import GPT
from gptviz.runs.curves import BASELINES
from gptviz.subjects.downhill.analysis import available
from gptviz.tokenizers.baselines import SHAKESPEARE, shakespeare_characters
from gptviz.training.baselines import baselines
from gptviz.training.batches import random_batch
from gptviz.training.config import TrainingConfig
from gptviz.training.optimizer import learning_rate, new_optimizer

MODEL = GPTConfig(
    vocab_size=78,  # the characters of the plays
    block_size=16,
    n_layer=1,
    n_head=2,
    n_embd=16,
    embd_pdrop=0.0,
    attn_pdrop=0.0,
    resid_pdrop=0.0,
)
BATCH, STEPS = 16, 40
READ = 100_000  # characters of the plays from which the batches come
RATES = {"sgd": 0.5, "momentum": 0.1, "adam": 0.01, "adamw": 0.01, "muon": 0.02}
WITHOUT_GRADIENT = 100  # steps, of `shrunk`
SHRINKING_RATE, STD = 1e-3, 0.02  # its rate, and of the weights that it begins with

Progress = Callable[[int, int], None]


def courses(
    factor: float = 1.0, seed: int = 0, progress: Progress = lambda done, whole: None
) -> pd.DataFrame:
    """The loss of one tiny GPT step by step, with each optimiser of this PyTorch.

    All begin with the same weights and read the same batches. Each has a constant rate, factor ×
    its own of RATES. progress is told how many of all steps are done. Columns: step (from 1), and
    a loss in nats a token for each optimiser, before it takes that step.
    """
    names = available()
    found = {}
    for i, name in enumerate(names):
        progress(i * STEPS, len(names) * STEPS)
        found[name] = losses(settings(name, factor * RATES[name]), seed)
    return pd.DataFrame({"step": range(1, STEPS + 1), **found})


def losses(config: TrainingConfig, seed: int) -> list[float]:
    """The loss of a fresh tiny GPT before each step of a run with these settings; NaN for none.

    The same seed gives the same first weights and the same batches, whatever the settings.
    """
    generator = torch.Generator().manual_seed(seed)
    model = GPT(config.model, generator).train()
    optimizer, found = new_optimizer(model, config), []
    for step in range(config.steps):
        inputs, targets = random_batch(_ids(), BATCH, config.model.block_size, generator)
        with torch.enable_grad():
            loss = F.cross_entropy(model(inputs).flatten(0, 1), targets.flatten())
            loss.backward()
        found.append(loss.item() if math.isfinite(loss.item()) else math.nan)
        nn.utils.clip_grad_norm_(model.parameters(), config.gradient_clip)
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(step, config)
        optimizer.step()
        optimizer.zero_grad()
    return found


def guesses() -> Mapping[str, float]:
    """The losses of guesses that only count, on the text of the batches, by their names."""
    found = baselines(_ids(), _ids(), MODEL.vocab_size)
    return {BASELINES[key]: loss for key, loss in found.items()}


def settings(
    optimizer: str = "adamw", rate: float = RATES["adamw"], weight_decay: float = 0.1
) -> TrainingConfig:
    """Those of a run of the tiny GPT at a constant rate."""
    return TrainingConfig(
        MODEL,
        str(SHAKESPEARE),
        steps=STEPS,
        optimizer=optimizer,  # type: ignore[arg-type]
        learning_rate=rate,
        min_learning_rate=0.0,
        warmup_steps=0,
        schedule="constant",
        weight_decay=weight_decay,
    )


def shrunk(optimizer: str = "adamw", weight_decay: float = 0.1, seed: int = 0) -> pd.DataFrame:
    """What a hundred steps without any gradient leave of each tensor of the tiny GPT.

    All tensors begin with random numbers of a standard deviation of 0.02, so that there is
    something to pull at. Columns: parameter, numbers (how many it has), decayed (whether it is in
    the group with weight decay), left (its mean absolute value as a share of what it began with).
    """
    generator = torch.Generator().manual_seed(seed)
    model = GPT(MODEL, generator)
    for parameter in model.parameters():
        nn.init.normal_(parameter, std=STD, generator=generator)
        parameter.grad = torch.zeros_like(parameter)
    began = [parameter.abs().mean().item() for parameter in model.parameters()]
    chosen = new_optimizer(model, settings(optimizer, SHRINKING_RATE, weight_decay))
    for _ in range(WITHOUT_GRADIENT):
        chosen.step()
    in_group = {id(p): group for group in chosen.param_groups for p in group["params"]}
    rows = [
        (name, p.numel(), in_group[id(p)]["weight_decay"] > 0, p.abs().mean().item() / size)
        for (name, p), size in zip(model.named_parameters(), began, strict=True)
    ]
    return pd.DataFrame(rows, columns=["parameter", "numbers", "decayed", "left"])


@functools.cache
def _ids() -> np.ndarray:
    """The beginning of the plays, as ids."""
    text = SHAKESPEARE.read_text(encoding="utf-8")[:READ]
    return np.array(shakespeare_characters().encode(text), dtype=np.uint8)
