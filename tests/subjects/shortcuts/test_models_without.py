"""A model without shortcuts on the other pages: what holds is shown, what does not is told."""

import string
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from streamlit.testing.v1 import AppTest

from gptviz import GPT, GPTConfig, LanguageModel
from gptviz.subjects import attention, mlp, what_if
from gptviz.tokenizers import CharacterTokenizer

LETTERS = CharacterTokenizer(sorted(set(string.printable)))


@pytest.fixture(scope="module")
def lm() -> LanguageModel:
    config = GPTConfig(LETTERS.vocab_size, 16, n_layer=2, n_head=2, n_embd=8, residual=False)
    return LanguageModel(GPT(config, torch.Generator().manual_seed(0)), LETTERS, "bare", "bare")


def test_the_stream_after_a_part_is_that_part(lm):
    trace = lm.trace("cats")
    for i in range(2):
        assert torch.equal(trace[f"h.{i}.resid_mid"], trace[f"h.{i}.attn"])
        assert torch.equal(trace[f"h.{i}"], trace[f"h.{i}.mlp"])


def test_what_needs_a_sum_is_refused_in_words(lm):
    for ask in (
        lambda: mlp.neuron(lm, 0, 0),
        lambda: attention.circuits(lm, 0, 0).ov(3),
        lambda: what_if.without_residual(lm.config, "h.0.attn"),
    ):
        with pytest.raises(ValueError, match=r"has no shortcuts \(residual = false\), so"):
            ask()


@pytest.mark.parametrize(
    ("page", "query", "told"),
    [
        ("overview", {}, "each row of an attention pattern sums to 1"),
        ("layer_norms", {"norm": "h.1.ln_1"}, "takes the place of the stream"),
        ("residual", {"tab": "parts"}, "its stream is no sum of what the parts added"),
        ("mlp", {"tab": "neuron"}, "no neuron reaches a logit directly"),
        ("attention", {"tab": "any-token"}, "no head reaches a logit directly"),
        ("attention", {"tab": "rollout"}, "half of a vector does not go past a layer"),
    ],
)
def test_a_page_tells_it_in_a_sentence(
    open_app: Callable[..., AppTest],
    save_random: Callable[..., None],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    page: str,
    query: dict[str, str],
    told: str,
):
    monkeypatch.setenv("GPTVIZ_CHECKPOINTS", str(tmp_path))
    save_random(tmp_path / "bare", residual=False)
    app = open_app(page, model="bare", prompt="The king", **query)
    words = " ".join(x.value for x in (*app.markdown, *app.caption, *app.error))
    assert told in words.replace("\\", "")
