"""Dropout in numbers: the laws of PyTorch's own."""

import numpy as np
import pytest
import torch
from torch import nn

from gptviz.subjects import dropout

NUMBERS = ((0.5, -1.2, 2.0, 0.8), (1.0, 0.3, -0.7, -2.0))


@pytest.mark.parametrize("p", [0.0, 0.2, 0.75])
def test_each_number_is_zero_or_scaled_as_pytorch_s_dropout_does(p):
    table = dropout.applied(NUMBERS, p, "training", seed=3)
    x = np.array(NUMBERS).ravel()
    stays = torch.rand(2, 4, generator=torch.Generator().manual_seed(3)).numpy().ravel() >= p
    np.testing.assert_array_equal(table["stays"], stays)
    np.testing.assert_allclose(table["after"], np.where(stays, x / (1 - p), 0))
    with torch.random.fork_rng():
        torch.manual_seed(0)
        own = nn.Dropout(p)(torch.ones(1000)).unique().tolist()
    assert own[-1] == pytest.approx(1 / (1 - p))
    assert own[:-1] == ([0] if p else [])


def test_a_share_of_a_fifth_makes_what_stays_a_quarter_larger():
    table = dropout.applied([[1.0] * 100], 0.2)
    assert set(table["after"]) == {0.0, 1.25}
    assert 10 <= (table["after"] == 0).sum() <= 30


def test_in_evaluation_nothing_happens():
    table = dropout.applied(NUMBERS, 0.9, "evaluation")
    assert table["after"].tolist() == table["before"].tolist()
    assert table["stays"].all()


def test_over_many_masks_the_mean_is_the_number_itself_only_with_the_scaling():
    last = dropout.averages(0.2, seed=1, n_masks=20_000).iloc[-1]
    assert last["scaled"] == pytest.approx(1, abs=0.01)
    assert last["not scaled"] == pytest.approx(0.8, abs=0.01)


@pytest.mark.parametrize("p", [1.0, -0.1, float("nan")])
def test_a_share_that_cannot_be_is_refused(p):
    with pytest.raises(ValueError, match="can be set to 0"):
        dropout.applied(NUMBERS, p)


@pytest.mark.parametrize("place", dropout.PLACES)
def test_a_place_of_the_network_is_its_tensor_before_and_after(tiny_lm, place):
    trace = tiny_lm.trace("the cat")
    table = dropout.at_place(trace, place, layer=1, head=1, p=0.5, seed=2)
    before = {
        "embeddings": trace["embed"],
        "attention": trace["h.1.attn.pattern"][1],
        "results": trace["h.1.attn"],
    }[place].numpy()
    np.testing.assert_allclose(table["before"], before.ravel(), atol=1e-7)
    stays = torch.rand(*before.shape, generator=torch.Generator().manual_seed(2)).numpy() >= 0.5
    np.testing.assert_allclose(table["after"], (2 * before * stays).ravel(), atol=1e-6)


def test_the_places_are_those_of_the_network(tiny_lm):
    modules = dict(tiny_lm.model.named_modules())
    found = {name for name, module in modules.items() if isinstance(module, nn.Dropout)}
    assert found == {
        "drop",
        *(f"h.{i}.{name}" for i in range(2) for name in ("attn.attn_dropout", "mlp.dropout")),
        *(f"h.{i}.attn.resid_dropout" for i in range(2)),
    }
    for setting, _ in dropout.PLACES.values():
        assert hasattr(tiny_lm.config, setting)
