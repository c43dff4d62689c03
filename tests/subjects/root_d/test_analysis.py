"""Scores with and without the division by √d, beside NumPy."""

import math

import numpy as np
import pytest
import torch

from gptviz import GPT, GPTConfig, LanguageModel
from gptviz.subjects import root_d

TEXT = "the cat sat"


def softmax(scores: np.ndarray) -> np.ndarray:
    powers = np.exp(scores - scores.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)


def entropy(weights: np.ndarray) -> np.ndarray:
    return -(weights * np.log(weights + 1e-300)).sum(-1)


def test_random_scores_are_the_products_of_random_vectors():
    table = root_d.random_scores(16, seed=3)
    generator = torch.Generator().manual_seed(3)
    q = torch.randn(1, 16, generator=generator).numpy()[0]
    k = torch.randn(1, 8, 16, generator=generator).numpy()[0]
    np.testing.assert_allclose(table["score"], k @ q, atol=1e-5)
    np.testing.assert_allclose(table["divided"], k @ q / 4, atol=1e-5)
    np.testing.assert_allclose(table["weight"], softmax(k @ q), atol=1e-5)
    np.testing.assert_allclose(table["divided weight"], softmax(k @ q / 4), atol=1e-5)


@pytest.mark.parametrize("seed", [0, 1])
def test_scores_spread_by_the_root_of_d_and_divided_ones_by_one(seed):
    table = root_d.as_d_grows(seed)
    np.testing.assert_allclose(table["spread"], np.sqrt(table["d"]), rtol=0.1)
    np.testing.assert_allclose(table["divided spread"], 1, rtol=0.1)
    assert table["entropy"].iloc[-1] < 0.15
    assert table["divided entropy"].iloc[3:].between(1.6, 1.75).all()


def test_the_entropies_are_those_of_the_weights():
    generator = torch.Generator().manual_seed(0)
    q = torch.randn(400, 64, generator=generator).double().numpy()
    k = torch.randn(400, 8, 64, generator=generator).double().numpy()
    scores = np.einsum("nkd,nd->nk", k, q)
    row = root_d.as_d_grows(0).set_index("d").loc[64]
    assert row["entropy"] == pytest.approx(entropy(softmax(scores)).mean(), abs=1e-4)
    assert row["divided entropy"] == pytest.approx(entropy(softmax(scores / 8)).mean(), abs=1e-4)


def test_of_a_text_the_divided_weights_are_the_model_s_own(tiny_lm):
    trace = tiny_lm.trace(TEXT)
    found = root_d.of_head(tiny_lm, trace, 1, 0, 5)
    pattern = trace["h.1.attn.pattern"][0, 5, :6].numpy()
    np.testing.assert_allclose(found.table["divided weight"], pattern, atol=1e-6)
    scores = trace["h.1.attn.scores"][0, 5, :6].double().numpy() * math.sqrt(4)
    np.testing.assert_allclose(found.table["score"], scores, atol=1e-6)
    np.testing.assert_allclose(found.table["weight"], softmax(scores), atol=1e-6)
    assert found.table["token"].tolist() == trace.tokens[:6]
    assert (found.d, found.divisor) == (4, 2)
    assert found.divided_entropy == pytest.approx(entropy(pattern.astype(float)), abs=1e-5)
    assert found.entropy == pytest.approx(entropy(softmax(scores)), abs=1e-5)


def test_a_model_that_divides_otherwise_is_taken_at_its_word(tiny_lm):
    config = GPTConfig(
        tiny_lm.config.vocab_size,
        16,
        n_layer=2,
        n_head=2,
        n_embd=8,
        scale_attn_weights=False,
        scale_attn_by_inverse_layer_idx=True,
    )
    model = GPT(config, torch.Generator().manual_seed(0))
    lm = LanguageModel(model, tiny_lm.tokenizer, "other", "other")
    trace = lm.trace("cats")
    found = root_d.of_head(lm, trace, 1, 1, 3)
    assert found.divisor == 2
    np.testing.assert_allclose(
        found.table["divided weight"], trace["h.1.attn.pattern"][1, 3].numpy(), atol=1e-6
    )
