"""From a text file to batches of token ids."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from gptviz.tokenizers import CharacterTokenizer, GPT2Tokenizer, Tokenizer
from gptviz.training.config import TokenizerKind


def read_text(path: Path) -> str:
    """The text of a UTF-8 file. Raises FileNotFoundError or ValueError in words."""
    if not path.is_file():
        raise FileNotFoundError(f"there is no text file at {path}; check the path after --data")
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(
            f"{path.name} is not UTF-8 text: byte {error.start} cannot be read; "
            f"save it as UTF-8 and try again"
        ) from error
    if not text.strip():
        raise ValueError(f"{path.name} holds no text; training needs something to read")
    return text


def tokenizer_for(kind: TokenizerKind, text: str) -> Tokenizer:
    """GPT-2's own tokenizer, or one made of the characters that occur in the text."""
    return GPT2Tokenizer() if kind == "gpt2" else CharacterTokenizer.from_text(text)


def encode(text: str, tokenizer: Tokenizer) -> Tensor:
    """The whole text as one row of token ids, (N,) int64."""
    return torch.from_numpy(np.array(tokenizer.encode(text), dtype=np.int64))


def split(ids: Tensor, block_size: int) -> tuple[Tensor, Tensor]:
    """Hold out the last tenth for validation: it is never trained on.

    Raises ValueError if either part is shorter than one window of block_size + 1 tokens.
    """
    n_held_out = len(ids) // 10
    if n_held_out < block_size + 1:
        shorter = f" or a block_size below {n_held_out}" if n_held_out > 1 else ""
        raise ValueError(
            f"{len(ids)} tokens are too few: the last tenth must hold one window of "
            f"{block_size + 1} tokens; use a longer text{shorter}"
        )
    return ids[:-n_held_out], ids[-n_held_out:]


def random_batch(
    ids: Tensor, batch_size: int, block_size: int, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Windows from random places, inputs and targets (B, T) each; a target is the next token."""
    starts = torch.randint(len(ids) - block_size, (batch_size,), generator=generator)
    windows = torch.stack([ids[start : start + block_size + 1] for start in starts.tolist()])
    return windows[:, :-1], windows[:, 1:]


def windows_in_order(
    ids: Tensor, batch_size: int, block_size: int, n_windows: int | None = None
) -> Iterator[tuple[Tensor, Tensor]]:
    """Windows side by side, so that each token is a target at most once; inputs and targets.

    With n_windows, that many of them spread evenly over the whole.
    """
    n = (len(ids) - 1) // block_size
    chosen = torch.arange(n)
    if n_windows is not None and n_windows < n:
        chosen = torch.linspace(0, n - 1, n_windows).long()
    inputs = ids[: n * block_size].view(n, block_size)
    targets = ids[1 : n * block_size + 1].view(n, block_size)
    for part in chosen.split(batch_size):
        yield inputs[part], targets[part]
