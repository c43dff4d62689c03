"""A saved model to read, to change and to break."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from gptviz import checkpoints
from gptviz.model import GPT, GPTConfig
from gptviz.tokenizers import CharacterTokenizer

CONFIG = GPTConfig(vocab_size=7, block_size=8, n_layer=2, n_head=2, n_embd=8)


@pytest.fixture
def random_model() -> Callable[..., GPT]:
    """Make a model whose every parameter is random."""

    @torch.no_grad()
    def make(config: GPTConfig = CONFIG, seed: int = 0) -> GPT:
        generator = torch.Generator().manual_seed(seed)
        model = GPT(config)
        for parameter in model.parameters():
            parameter.normal_(generator=generator)
        return model.eval()

    return make


@pytest.fixture
def folder(tmp_path: Path, random_model: Callable[..., GPT]) -> Path:
    checkpoints.save(tmp_path / "model", random_model(), CharacterTokenizer("abcdefg"))
    return tmp_path / "model"


@pytest.fixture
def change_config() -> Callable[..., None]:
    """Set values of a folder's config.json."""

    def change(folder: Path, **changes: Any) -> None:
        values = json.loads((folder / "config.json").read_text()) | changes
        (folder / "config.json").write_text(json.dumps(values))

    return change


@pytest.fixture
def refusal() -> Callable[..., str]:
    """The sentence with which a folder is refused."""

    def sentence_for(folder: Path, kind: type[Exception] = ValueError) -> str:
        with pytest.raises(kind) as info:
            checkpoints.read(folder)
        sentence = str(info.value)
        assert str(folder) in sentence
        assert "\n" not in sentence
        return sentence

    return sentence_for
