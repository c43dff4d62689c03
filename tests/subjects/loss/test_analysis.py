"""Losses, beside PyTorch's cross-entropy and plain arithmetic."""

import math

import numpy as np
import pytest
import torch
from torch import nn

from gptviz.subjects import loss

TEXT = "the cat sat"


def test_three_logits_have_the_right_probabilities_and_the_right_loss():
    table = loss.from_logits((2.0, 1.0, 0.5))
    assert [f"{p:.4f}" for p in table["probability"]] == ["0.6285", "0.2312", "0.1402"]
    assert f"{table['loss'][1]:.4f}" == "1.4644"
    own = nn.CrossEntropyLoss()(torch.tensor([[2.0, 1.0, 0.5]]), torch.tensor([1]))
    assert table["loss"][1] == pytest.approx(own.item(), rel=1e-6)
    np.testing.assert_allclose(table["power"] / table["power"].sum(), table["probability"])


def test_logits_of_any_size_have_a_loss():
    table = loss.from_logits((1e6, -1e6))
    assert table["probability"].tolist() == [1, 0]
    assert table["loss"].tolist() == [0, 2e6]
    assert loss.from_logits((5.0,))["loss"].tolist() == [0]


def test_the_curve_is_minus_the_logarithm_of_p():
    table = loss.curve()
    np.testing.assert_allclose(table["loss"], [-math.log(p) for p in table["probability"]])
    assert table["probability"].iloc[[0, -1]].tolist() == [0.001, 1]
    told = {0.9: "0.105", 0.8: "0.223", 0.7: "0.357", 0.5: "0.693", 0.1: "2.303"}
    losses = {p: np.interp(p, table["probability"], table["loss"]) for p in told}
    assert {p: f"{loss:.3f}" for p, loss in losses.items()} == told
    assert f"{np.mean([losses[p] for p in (0.7, 0.8, 0.9)]):.3f}" == "0.228"


def test_a_sentence_has_the_losses_of_pytorch_s_cross_entropy(tiny_lm):
    trace = tiny_lm.trace(TEXT)
    table = loss.sentence(trace)
    ids = torch.tensor(trace.ids)
    own = nn.CrossEntropyLoss(reduction="none")(trace.logits[:-1], ids[1:]).numpy()
    np.testing.assert_allclose(table["loss"], own, atol=1e-5)
    np.testing.assert_allclose(table["probability"], np.exp(-own), atol=1e-6)
    assert table["mean loss"].iloc[-1] == pytest.approx(own.mean(), rel=1e-5)
    assert table["perplexity"].iloc[-1] == pytest.approx(np.exp(own.mean()), rel=1e-5)
    assert table["mean loss"].iloc[2] == pytest.approx(own[:3].mean(), rel=1e-5)
    assert table["token"].tolist() == trace.tokens[1:]


def test_one_token_alone_is_told_in_a_sentence(tiny_lm):
    with pytest.raises(ValueError, match="nothing guesses it; type a second one"):
        loss.sentence(tiny_lm.trace("t"))


def test_a_next_token_stands_first_with_its_rank_and_its_loss(tiny_lm):
    trace = tiny_lm.trace(TEXT)
    logits = trace.logits[-1].double()
    token = int(logits.argmin())
    table = loss.next_table(tiny_lm, trace, token)
    first = table.iloc[0]
    assert (first["id"], first["rank"]) == (token, len(logits))
    assert first["loss"] == pytest.approx(-logits.log_softmax(-1)[token].item())
    assert table["id"].tolist()[1:] == logits.topk(5).indices.tolist()
    likeliest = loss.next_table(tiny_lm, trace, int(logits.argmax()))
    assert likeliest["id"].is_unique
    assert likeliest["rank"].tolist() == [1, 2, 3, 4, 5]
