"""What the tests of several subjects begin with."""

import string
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from gptviz import GPT, GPTConfig, checkpoints
from gptviz.tokenizers import CharacterTokenizer


@pytest.fixture(scope="session")
def save_random() -> Callable[..., None]:
    """Save a small model of large random numbers that reads letters, signs and spaces.

    std says how large, and further settings change its shape; with is_void it computes what is no
    number.
    """
    letters = CharacterTokenizer(sorted(set(string.printable)))

    def save(folder: Path, *, is_void: bool = False, std: float = 0.5, **more: Any) -> None:
        shape = {"block_size": 64, "n_layer": 2, "n_head": 2, "n_embd": 8, **more}
        generator = torch.Generator().manual_seed(0)
        model = GPT(GPTConfig(letters.vocab_size, **shape), generator)
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.normal_(std=std, generator=generator)
            if is_void:
                model.wpe.weight[:] = torch.nan
        checkpoints.save(folder, model, letters)

    return save
