"""Norms of few numbers and random layers, beside PyTorch's own and NumPy."""

import numpy as np
import pytest
import torch
from torch import nn

from gptviz.app.typed import rows_in
from gptviz.subjects import one_layer
from gptviz.subjects.one_layer.tabs import NUMBERS

EXAMPLE = rows_in(NUMBERS, 2, 6)


def grid(table, column: str, shape=(2, 6)) -> np.ndarray:
    return table[column].to_numpy().reshape(shape)


def test_the_example_is_what_a_fresh_layer_of_pytorch_gives():
    with torch.random.fork_rng():
        torch.manual_seed(123)
        x = torch.randn(2, 5)
        layer = nn.Sequential(nn.Linear(5, 6), nn.ReLU())
        expected = layer(x).detach()
    found = one_layer.example(123)
    torch.testing.assert_close(found, expected)
    assert np.round(found.numpy(), 4).tolist() == pytest.approx(np.array(EXAMPLE))


def test_means_variances_and_norms_of_the_example_have_the_printed_digits():
    exact = one_layer.example(123).tolist()
    for numbers in (exact, EXAMPLE):
        rows = one_layer.moments(numbers).iloc[:2]
        assert rows["mean"].round(4).tolist() == [0.1324, 0.2170]
        assert rows["variance ÷ (n − 1)"].round(4).tolist() == [0.0231, 0.0398]
    table = one_layer.normalised(exact, "n-1", 0.0)
    assert grid(table, "layer norm").round(4).tolist() == [
        [0.6159, 1.4126, -0.8719, 0.5872, -0.8719, -0.8719],
        [-0.0189, 0.1121, -1.0876, 1.5173, 0.5647, -1.0876],
    ]


def test_the_norms_are_those_of_pytorch():
    x = torch.randn(4, 5, generator=torch.Generator().manual_seed(1))
    layer, batch = nn.LayerNorm(5), nn.BatchNorm1d(5)
    gamma, beta = [1.0, -2.0, 0.5, 3.0, 0.0], [0.1, 0.0, -1.0, 2.0, 5.0]
    for norm in (layer, batch):
        norm.weight.data, norm.bias.data = torch.tensor(gamma), torch.tensor(beta)
    table = one_layer.normalised(x.tolist(), "n", 1e-5, gamma, beta)
    with torch.no_grad():
        for name, norm in (("layer norm", layer), ("batch norm", batch)):
            np.testing.assert_allclose(grid(table, name, (4, 5)), norm(x).numpy(), atol=1e-5)


def test_a_row_does_not_know_of_the_others_in_a_layer_norm_and_does_in_a_batch_norm():
    changed = (EXAMPLE[0], (5.0, *EXAMPLE[1][1:]))
    before, after = one_layer.normalised(EXAMPLE), one_layer.normalised(changed)
    first = before["row"] == 0
    assert before["layer norm"][first].tolist() == after["layer norm"][first].tolist()
    assert before["batch norm"][first].tolist() != after["batch norm"][first].tolist()


def test_one_row_alone_leaves_nothing_of_a_batch_norm():
    table = one_layer.normalised([[1.0, 2.0, 3.0]], beta=[7.0])
    assert table["batch norm"].tolist() == [7, 7, 7]
    assert table["layer norm"].round(3).tolist() == [5.775, 7.0, 8.225]


@pytest.mark.parametrize(
    ("numbers", "divisor", "epsilon", "undefined"),
    [
        ([[1.0, 2.0]], "n-1", 1e-5, {"batch norm": [0, 1]}),
        ([[1.0], [2.0]], "n-1", 1e-5, {"layer norm": [0, 1]}),
        ([[1.0, 2.0], [3.0, 3.0]], "n", 0.0, {"layer norm": [2, 3]}),
        ([[1.0, 2.0], [3.0, 2.0]], "n", 0.0, {"batch norm": [1, 3]}),
    ],
)
def test_zero_by_zero_is_no_number(numbers, divisor, epsilon, undefined):
    table = one_layer.normalised(numbers, divisor, epsilon)
    for name in ("layer norm", "batch norm"):
        assert np.flatnonzero(table[name].isna()).tolist() == undefined.get(name, [])


def test_gamma_and_beta_are_one_number_or_one_for_each_column():
    with pytest.raises(ValueError, match="2 numbers came for γ; give one for all columns, or 6"):
        one_layer.normalised(EXAMPLE, gamma=[1.0, 2.0])


def test_random_layers_explode_without_norms_and_stay_with_them():
    table = one_layer.spread_by_layer()
    last = table.iloc[-1]
    assert last["without norm"] == pytest.approx(2e5, rel=0.2)
    assert f"{last['with layer norm']:.3f}" == "1.000"
    assert last["expected"] == pytest.approx(last["without norm"], rel=0.1)


def test_the_spread_is_that_of_products_of_the_same_matrices():
    table = one_layer.spread_by_layer(64, 0.05, 7, n_layers=3)
    generator = torch.Generator().manual_seed(7)
    x = torch.randn(100, 64, generator=generator)
    spreads = [x.std().item()]
    for _ in range(3):
        x = x @ (torch.randn(64, 64, generator=generator) * 0.05)
        spreads.append(x.std().item())
    np.testing.assert_allclose(table["without norm"], spreads, rtol=1e-4)
    assert (table["without norm"].diff()[1:] < 0).all(), "0.05 · √64 is below 1"
