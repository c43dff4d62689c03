"""The weights of a model in numbers, beside NumPy."""

import numpy as np
import pytest
import torch

from gptviz import GPT, GPTConfig, LanguageModel, anatomy
from gptviz.subjects.anatomy import weights_analysis
from gptviz.tokenizers import CharacterTokenizer

LETTERS = CharacterTokenizer("abcdefgh")


def model(**more: int) -> LanguageModel:
    shape = {"block_size": 16, "n_layer": 2, "n_head": 2, "n_embd": 32, **more}
    made = GPT(GPTConfig(8, **shape), torch.Generator().manual_seed(0))
    return LanguageModel(made, LETTERS, "random", "random")


@pytest.fixture(scope="module")
def lm() -> LanguageModel:
    return model()


def array(lm: LanguageModel, name: str) -> np.ndarray:
    return lm.model.get_parameter(name).detach().double().numpy()


def test_every_tensor_has_its_size_and_its_moments(lm):
    steps = []
    table = anatomy.tensors(lm, lambda done, whole: steps.append((done, whole)))
    assert table["name"].tolist() == [name for name, _ in lm.model.named_parameters()]
    assert table["numbers"].sum() == lm.model.n_parameters
    assert steps == [(i, len(table)) for i in range(len(table))]
    row = table.set_index("name").loc["h.1.mlp.c_fc.weight"]
    numbers = array(lm, "h.1.mlp.c_fc.weight")
    assert row["shape"] == "128 × 32"
    expected = [numbers.mean(), numbers.std(), numbers.min(), numbers.max()]
    assert row[["mean", "spread", "least", "largest"]].tolist() == pytest.approx(expected, rel=1e-4)
    assert row["norm"] == pytest.approx(np.sqrt((numbers**2).sum()), rel=1e-5)


def test_norms_stand_by_layer(lm):
    table = anatomy.norms(anatomy.tensors(lm))
    assert table["layer"].tolist() == [0, 1]
    expected = [np.linalg.norm(array(lm, f"h.{i}.attn.c_proj.weight")) for i in range(2)]
    assert table["attention's output"].tolist() == pytest.approx(expected, rel=1e-5)


def test_a_histogram_counts_every_number_once(lm):
    table = anatomy.histogram(lm, "wpe.weight")
    numbers = array(lm, "wpe.weight").ravel()
    edges = np.array([*table["from"], table["to"].iloc[-1]])
    counts = np.histogram(numbers.astype(np.float32), edges.astype(np.float32))[0]
    assert table["share"].to_numpy() == pytest.approx(counts / numbers.size, abs=2 / numbers.size)
    assert table["share"].sum() == pytest.approx(1)
    drawn = np.random.default_rng(0).normal(numbers.mean(), numbers.std(), 200_000)
    expected = np.histogram(drawn, edges)[0] / len(drawn)
    assert table["normal"].to_numpy() == pytest.approx(expected, abs=0.005)


@pytest.mark.parametrize("name", ["h.0.mlp.c_fc.weight", "h.0.mlp.c_proj.weight", "wte.weight"])
def test_a_spectrum_is_that_of_the_matrix(lm, name, monkeypatch):
    monkeypatch.setattr(weights_analysis, "ROWS", 50)
    steps = []
    found = anatomy.spectrum(lm, name, lambda done, whole: steps.append((done, whole)))
    expected = np.linalg.svd(array(lm, name), compute_uv=False)
    assert found.values == pytest.approx(expected, abs=1e-6)
    assert steps == [(i, len(steps)) for i in range(len(steps))]
    table = anatomy.spectrum_table(found)
    assert table["share"].iloc[-1] == pytest.approx(1)
    half = found.directions(0.5)
    assert table["share"][half - 1] >= 0.5 > (table["share"][half - 2] if half > 1 else 0)


def test_an_untrained_matrix_lies_in_the_band_of_random_ones_and_a_direction_stands_out():
    lm = model(n_embd=256)
    found = anatomy.spectrum(lm, "h.0.mlp.c_fc.weight")
    assert found.highest == pytest.approx(0.02 * (np.sqrt(1024) + np.sqrt(256)), rel=0.02)
    assert found.values[0] < 1.03 * found.highest
    assert found.values[-1] > 0.95 * found.lowest
    assert found.beyond == 0
    with torch.no_grad():
        lm.model.h[0].mlp.c_fc.weight.add_(0.01)  # a constant is one direction
    changed = anatomy.spectrum(lm, "h.0.mlp.c_fc.weight")
    assert changed.beyond == 1
    assert changed.directions(0.1) == 1


def test_chance_lets_the_largest_value_of_a_random_matrix_be_so_large_999_times_of_1000():
    generator = np.random.default_rng(0)
    largest = np.linalg.norm(generator.normal(size=(4000, 40, 20)), ord=2, axis=(1, 2))
    lm = model()
    with torch.no_grad():
        lm.model.wpe.weight = torch.nn.Parameter(torch.randn(40, 20), requires_grad=False)
    found = anatomy.spectrum(lm, "wpe.weight")
    chance = found.chance / float(lm.model.wpe.weight.std(correction=0))
    assert 0.0002 < (largest > chance).mean() < 0.003


def test_a_model_of_zeros_has_a_spectrum_of_zeros():
    lm = model()
    with torch.no_grad():
        for parameter in lm.model.parameters():
            parameter.zero_()
    found = anatomy.spectrum(lm, "wte.weight")
    assert not found.values.any()
    assert found.directions(0.5) == found.beyond == 0
    assert anatomy.histogram(lm, "wte.weight")["share"].sum() == pytest.approx(1)


def test_what_has_no_spectrum_is_told(lm, monkeypatch):
    with pytest.raises(ValueError, match="is a vector, and only a matrix"):
        anatomy.spectrum(lm, "ln_f.weight")
    with pytest.raises(ValueError, match="no tensor 'wxe'"):
        anatomy.histogram(lm, "wxe")
    monkeypatch.setattr(weights_analysis, "LARGEST", 16)
    with pytest.raises(ValueError, match="32 singular values, which would take too long"):
        anatomy.spectrum(lm, "h.0.mlp.c_fc.weight")


def test_what_is_no_number_is_told():
    lm = model()
    with torch.no_grad():
        lm.model.wpe.weight[0, 0] = torch.nan
    for look in (anatomy.tensors, lambda lm: anatomy.spectrum(lm, "wpe.weight")):
        with pytest.raises(ValueError, match=r"wpe\.weight holds what is no number"):
            look(lm)
