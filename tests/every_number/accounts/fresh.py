"""A GPT-2 of transformers that has learnt nothing, and its training by PyTorch alone."""

import math
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn
from transformers import GPT2Config, GPT2LMHeadModel

PLAYS = Path(__file__).parents[3] / "gptviz" / "data" / "shakespeare.txt"
READ, WINDOW, BATCH = 100_000, 16, 16  # characters of the plays; of a window; windows a step


def gpt(seed: int, vocabulary: int, context: int, layers: int, heads: int, width: int):
    """A fresh model, drawn as OpenAI drew GPT-2, and the generator that drew it."""
    config = GPT2Config(
        vocab_size=vocabulary,
        n_positions=context,
        n_layer=layers,
        n_head=heads,
        n_embd=width,
        embd_pdrop=0.0,
        attn_pdrop=0.0,
        resid_pdrop=0.0,
        bos_token_id=None,
        eos_token_id=None,
    )
    model, generator = GPT2LMHeadModel(config), torch.Generator().manual_seed(seed)
    body = model.transformer
    into_stream = 0.02 / math.sqrt(2 * layers)
    with torch.no_grad():
        for table in (body.wte, body.wpe):
            table.weight.normal_(std=0.02, generator=generator)
        for block in body.h:
            for layer, std in (
                (block.attn.c_attn, 0.02),
                (block.attn.c_proj, into_stream),
                (block.mlp.c_fc, 0.02),
                (block.mlp.c_proj, into_stream),
            ):
                n_in, n_out = layer.weight.shape
                layer.weight[:] = torch.empty(n_out, n_in).normal_(std=std, generator=generator).T
                layer.bias.zero_()
    return model, generator


def letters() -> list[str]:
    """All characters of the plays."""
    return sorted(set(PLAYS.read_text(encoding="utf-8")))


def losses(
    seed: int, rates: Sequence[float], optimizer: Callable[..., torch.optim.Optimizer]
) -> list[float]:
    """The loss of the tiny GPT of the labs before each step, at these rates; matrices decay.

    optimizer makes one of the model.
    """
    known = letters()
    number = {letter: i for i, letter in enumerate(known)}
    text = PLAYS.read_text(encoding="utf-8")[:READ]
    ids = torch.tensor([number[letter] for letter in text])
    model, generator = gpt(seed, len(known), WINDOW, 1, 2, 16)
    chosen = optimizer(model)
    found = []
    for rate in rates:
        starts = torch.randint(READ - WINDOW, (BATCH,), generator=generator).tolist()
        windows = torch.stack([ids[start : start + WINDOW + 1] for start in starts])
        logits = model(windows[:, :-1]).logits
        loss = F.cross_entropy(logits.flatten(0, 1), windows[:, 1:].flatten())
        chosen.zero_grad()
        loss.backward()
        found.append(loss.item())
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for group in chosen.param_groups:
            group["lr"] = rate
        chosen.step()
    return found


def lines_across(key: str) -> dict[str, Any]:
    """What a picture of such losses says of a blind guess, and of counting letters and pairs."""
    text = PLAYS.read_text(encoding="utf-8")[:READ]
    V, counts, pairs = len(letters()), Counter(text), Counter(pairwise(text))
    alone = {letter: (n + 1) / (READ + V) for letter, n in counts.items()}
    kinds, followed = Counter(first for first, _ in pairs), Counter(text[:-1])
    of_a_pair = {
        (a, b): (n + kinds[a] * alone[b]) / (followed[a] + kinds[a]) for (a, b), n in pairs.items()
    }  # new ones are as likely as kinds were seen (Witten and Bell)
    levels = [
        math.log(V),
        -sum(math.log(alone[letter]) for letter in text[1:]) / (READ - 1),
        -sum(n * math.log(of_a_pair[pair]) for pair, n in pairs.items()) / (READ - 1),
    ]
    return {
        f"{key}.notes": [(level,) for level in levels],
        f"{key}.shapes": [end for level in levels for end in (0, 1, level, level)],
    }


def groups(model: nn.Module, decay: float = 0.1) -> list[dict]:
    """The parameters with decay, which are matrices, and those without."""
    every = list(model.parameters())
    return [
        {"params": [p for p in every if p.dim() == 2], "weight_decay": decay},
        {"params": [p for p in every if p.dim() < 2], "weight_decay": 0.0},
    ]
