"""Models whose every parameter matters: three layers of two heads, which read letters."""

from collections.abc import Callable
from functools import partial

import pytest
import torch
from torch import Tensor

from gptviz.language_model import LanguageModel
from gptviz.model import GPT, GPTConfig
from gptviz.tokenizers import CharacterTokenizer

CHARACTERS = CharacterTokenizer("abcdefghijklmnop ")


@pytest.fixture(scope="session")
def gpt() -> Callable[..., GPT]:
    """Make a model without hooks, with settings of your choice."""

    @torch.no_grad()
    def make(attention="fused", **changes) -> GPT:
        shape = {"vocab_size": 17, "block_size": 9, "n_layer": 3, "n_head": 2, "n_embd": 8}
        generator = torch.Generator().manual_seed(0)
        model = GPT(GPTConfig(**{**shape, **changes}), generator, attention)
        for parameter in model.parameters():
            parameter.normal_(std=0.3, generator=generator)
        return model.eval().requires_grad_(False)

    return make


@pytest.fixture(scope="session")
def language_model(gpt: Callable[..., GPT]) -> Callable[..., LanguageModel]:
    """Make a model that can be traced, with settings of your choice."""

    def make(**changes) -> LanguageModel:
        return LanguageModel(gpt(**changes), CHARACTERS, "tiny", "tiny")

    return make


@pytest.fixture(scope="module")
def lm(language_model: Callable[..., LanguageModel]) -> LanguageModel:
    return language_model()


@pytest.fixture(scope="session")
def close() -> Callable[[Tensor, Tensor], None]:
    """Assert that two tensors are equal but for float32's own rounding."""
    return partial(torch.testing.assert_close, rtol=1e-4, atol=1e-4)
