"""Gradients with and without shortcuts, beside networks made of PyTorch's own modules."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from gptviz import GPT, GPTConfig
from gptviz.subjects import shortcuts


class Network(nn.Module):
    """Linear layers with GELU, and a sum around each that keeps the width."""

    def __init__(self, sizes: list[int], with_shortcuts: bool):
        super().__init__()
        self.with_shortcuts = with_shortcuts
        self.layers = nn.ModuleList(
            nn.Sequential(nn.Linear(a, b), nn.GELU(approximate="tanh")) for a, b in pairwise(sizes)
        )

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.layers:
            y = layer(x)
            x = x + y if self.with_shortcuts and x.shape == y.shape else y
        return x


def mean_gradients(
    sizes: list[int], x: list[float], seed: int, with_shortcuts: bool
) -> list[float]:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        network = Network(sizes, with_shortcuts)
    nn.MSELoss()(network(torch.tensor([x])), torch.tensor([[0.0]])).backward()
    return [layer[0].weight.grad.abs().mean().item() for layer in network.layers]


def test_the_five_layers_have_the_printed_gradients():
    table = shortcuts.gradients()
    printed = [0.00020173587836325169, 0.0001201116101583466, 0.0007152041653171182]
    printed += [0.001398873864673078, 0.005049646366387606]
    assert table["without"].tolist() == pytest.approx(printed, rel=1e-6)
    printed = [0.22169792652130127, 0.20694105327129364, 0.32896995544433594]
    printed += [0.2665732502937317, 1.3258541822433472]
    assert table["with"].tolist() == pytest.approx(printed, rel=1e-6)
    assert [f"{value:.4f}" for value in table["with"].iloc[[0, -1]]] == ["0.2217", "1.3259"]


@pytest.mark.parametrize(
    ("n_layers", "width", "seed"), [(5, 3, 123), (8, 4, 0), (3, 1, 7), (1, 2, 1)]
)
def test_any_depth_and_width_is_the_network_of_pytorch_s_modules(n_layers, width, seed):
    table = shortcuts.gradients(n_layers, width, seed)
    x = np.linspace(1, -1, width).tolist() if width > 1 else [1.0]
    for name in ("without", "with"):
        expected = mean_gradients([width] * n_layers + [1], x, seed, name == "with")
        np.testing.assert_allclose(table[name], expected, rtol=1e-3, atol=1e-12)


def test_gradients_of_many_layers_are_told_however_small():
    table = shortcuts.gradients(24, 3, 0)
    assert 0 < table["without"].iloc[0] < 1e-12
    assert table["with"].iloc[0] > 1e-4


@pytest.mark.parametrize(("n_layers", "width"), [(0, 3), (25, 3), (5, 0), (5, 65)])
def test_a_network_that_is_not_drawn_is_refused(n_layers, width):
    with pytest.raises(ValueError, match="are drawn here"):
        shortcuts.gradients(n_layers, width)


def test_a_factor_at_each_layer_comes_to_its_power():
    table = shortcuts.powers(0.5, 12)
    last = table.iloc[-1]
    assert (f"{last['0.9']:.2f}", f"{last['1.1']:.2f}") == ("0.28", "3.14")
    assert last["own"] == 0.5**12
    assert table.iloc[0].tolist() == [0, 1, 1, 1]


def test_without_shortcuts_the_tokens_of_a_fresh_gpt_become_all_alike():
    table = shortcuts.likeness()
    assert table["without"].iloc[-1] > 0.999
    assert table["with"].max() < 0.05
    assert table["without"].iloc[0] == table["with"].iloc[0]


@pytest.mark.parametrize("residual", [True, False])
def test_the_likeness_is_the_mean_cosine_of_the_blocks_outputs(residual):
    table = shortcuts.likeness(3, seed=5)
    ids = torch.randint(64, (4, 32), generator=torch.Generator().manual_seed(5))
    config = GPTConfig(64, 32, 3, 4, 64, residual=residual)
    model = GPT(config, torch.Generator().manual_seed(5)).eval()
    seen = []
    for module in (model.embed, *model.h):
        module.register_forward_hook(lambda _, __, x: seen.append(x.detach().double().numpy()))
    model(ids)
    for found, x in zip(table["with" if residual else "without"], seen, strict=True):
        unit = x / np.linalg.norm(x, axis=-1, keepdims=True)
        cosines = [unit[b, i] @ unit[b, j] for b in range(4) for i in range(32) for j in range(i)]
        assert found == pytest.approx(np.mean(cosines), abs=1e-4)
