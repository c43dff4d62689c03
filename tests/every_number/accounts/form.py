"""What the page Training says of a new run, before it begins."""

import hashlib
import math
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import GPT2Config, GPT2LMHeadModel

from accounts.common import Expected, Read, digits, numbered
from accounts.fresh import PLAYS

# Each size's layers, width, steps, windows of a step and context; that of Large is told. Then what
# it took where it was measured.
SIZES = (
    (2, 64, 1000, 12, 32, (14,)),
    (4, 128, 2000, 12, 64, (2,)),
    (6, 192, 3000, 16, 128, (23,)),
    (6, 384, 5000, 32, 256, (9, 27)),
)
LAYERS, WIDTH, STEPS, WINDOWS, CONTEXT, _ = SIZES[1]
TORCH = 2.13  # by which they were measured
WARMUP, HIGHEST, LAST = 100, 1e-3, 1e-4
EVERY, READ = 50, 64  # steps between validations, and windows that each reads
SETTINGS = {
    **dict.fromkeys(("dropout", "embd_pdrop", "attn_pdrop", "resid_pdrop"), 0),
    **dict.fromkeys(("copy_steps", "repeat_share", "line_start_share", "guide_previous"), 0),
    **dict.fromkeys(("decay_steps", "vocab_sample", "patience", "seed"), 0),
    **{"n_layer": LAYERS, "n_head": 4, "n_embd": WIDTH, "block_size": CONTEXT, "steps": STEPS},
    **{"batch_size": WINDOWS, "accumulation": 1, "warmup_steps": WARMUP, "gradient_clip": 2},
    **{"learning_rate": HIGHEST, "min_learning_rate": LAST, "weight_decay": 0.1},
    **{"beta1": 0.9, "beta2": 0.99, "layer_norm_epsilon": 1e-5, "eval_interval": EVERY},
    **{"eval_windows": READ, "sample_interval": 100, "sample_tokens": 120, "snapshots": 24},
    "detail_interval": 10,
}
A_STEP = 0.02  # seconds
DRAWN = 400  # steps, beside the last one of the warm-up
ENDS = 3  # signs for the end of a text in the one that is kept
TALE = "the köng met the queen; a fool laughed at both of them, and all dogs barked at the moon. "


def of_the_form(text: str | None = None, a_step: float | None = None) -> Expected:
    """What the form says of a text, or of the plays, and the usual model; how long a step takes."""
    text = PLAYS.read_text(encoding="utf-8") if text is None else text
    V, T, C, L, B = len(set(text)), CONTEXT, WIDTH, LAYERS, WINDOWS
    with torch.device("meta"):
        ends = {"bos_token_id": None, "eos_token_id": None}
        config = GPT2Config(vocab_size=V, n_positions=T, n_embd=C, n_layer=L, n_head=4, **ends)
        model = GPT2LMHeadModel(config)
    weights = sum(parameter.numel() for parameter in model.parameters())
    read = len(text) - len(text) // 10
    # In float32: each weight with its gradient and two means; for each token and layer both norms'
    # inputs and outputs, q, k and v, z twice, and the MLP twice; at the ends 22 vectors a token;
    # the logits of all tokens and of 32, and twice the unembedding. And PyTorch itself.
    numbers = 4 * weights + B * T * (L * 17 * C + 22 * C) + (B * T + 32 + 2 * C) * V
    time = [] if a_step is None else [duration(a_step, SIZES[1])]
    said = [
        ("tokens a step · ", weights, 400 + 4 * numbers / 1e6, B * T, *time),
        ("the last tenth is held out", len(text.encode()), len(text), len(text), V),
        (
            "This run passes its text",
            *(digits(n, 2) for n in (STEPS * B * T / read, read / weights)),
            *(20, 2022, digits(read / 20, 2)),
        ),
        ("Its first {} tokens", 100),
        # What the paper asked: 20 tokens a parameter, and no model below 70 million.
        ("asked how to spend a fixed amount", 2022, 20, 70),
    ]
    letters = sorted(set(text))
    ids = [letters.index(letter) for letter in text[:100]]
    held = [" ".join(f"{byte:02X}" for byte in letter.encode()) for letter in text[:100]]
    shown = {
        "first_tokens.rows.chips.position": range(100),
        "first_tokens_table.position": range(100),
        "first_tokens_table.id": ids,
        "first_tokens_table.bytes": numbered(held),
        "first_tokens_table.characters": [1] * 100,
        "first_tokens.rows.chips.under": [*map(str, ids)],
        "first_tokens.rows.chips.hover": [
            f"id {token} · bytes {bytes_}" for token, bytes_ in zip(ids, held, strict=True)
        ],
        "new_tokenizer.label": ["GPT-2's BPE"],
        "new_norm.label": ["before each part (GPT-2)", "after each part (2017)"],
        "new_position.label": ["learnt (GPT-2)", "waves (2017)"],
        "new_activation.label": ["GELU, approximate (GPT-2)", "ReLU (2017)"],
        "new_size.help": [sizes_told(a_step)],
        "new_beta1.label": ["Beta 1"],
        "new_beta2.label": ["Beta 2"],
        **{f"new_{name}": value for name, value in SETTINGS.items()},
    }
    return said, shown


def duration(a_step: float, size: tuple) -> float:
    """What a run of a size takes: seconds, or minutes from 90 s on.

    A validation reads its windows forward, which is a third of a step's work.
    """
    _, _, steps, windows, context, _ = size
    read = math.ceil(steps / EVERY) * READ * context
    seconds = steps * a_step + read * a_step / (windows * context) / 3
    return seconds if seconds < 90 else round(seconds / 60)


def sizes_told(a_step: float | None) -> tuple:
    """Layers and width of each size, and what it takes here, or took where it was measured."""
    found: list[float] = []
    for size in SIZES:
        layers, width, *_, context, took = size
        found += [layers, width, *([context] if context == 256 else [])]
        found += [*took, TORCH] if a_step is None else [duration(a_step, size)]
    return tuple(found)


def look(read: Read, root: Path) -> None:
    """A text that is kept, the rate of each step, and what a size takes where steps are timed."""
    text = (TALE * 20 + "<|endoftext|>") * ENDS
    content = text.encode()
    (root / ".texts").mkdir()
    path = root / ".texts" / f"My-tale-{hashlib.sha256(content).hexdigest()[:16]}.txt"
    path.write_bytes(content)
    said, shown = of_the_form(text, A_STEP)
    steps = 1 + np.union1d(np.linspace(0, STEPS - 1, DRAWN).round(), WARMUP - 1)
    share = (steps - 1 - WARMUP) / (STEPS - WARMUP)
    falling = LAST + (HIGHEST - LAST) * (1 + np.cos(np.pi * share)) / 2
    rates = np.where(steps <= WARMUP, HIGHEST * steps / WARMUP, falling)
    said += [
        ("stands in it {} times", ENDS),
        ("is kept, so that the run can be resumed", 100, 500),
        ("My-tale  · {} bytes", len(content)),
    ]
    rate: dict[str, Any] = {
        "new_rate.panels.series.points": [len(steps)],
        "new_rate.alt": [(digits(rates[0], 2), digits(rates[-1], 2), rates.max())],
        "new_rate.sent": [*steps, *rates],
        "new_rate_table.step": steps,
        "new_rate_table.rate": rates,
        "kept_texts.label": [(1,)],
    }
    chosen = {"new_rate_open": True, "new_text": str(path), "kept_texts": True}
    page = read(root, ["new_rate"], chosen=chosen, a_step=A_STEP)
    page.holds((said, {**shown, **rate}))
