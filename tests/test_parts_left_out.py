"""Models without attention, without MLPs and without blocks: what holds of them, what is told."""

import string
from pathlib import Path

import numpy as np
import pytest
import torch

import gptviz
from gptviz import GPT, GPTConfig, LanguageModel, checkpoints, parameters
from gptviz.cli import main
from gptviz.inside import inside
from gptviz.jobs import estimate
from gptviz.journey import journey, journey_table
from gptviz.setting import SettingError
from gptviz.subjects import attention, induction, layer_norms, mlp, residual
from gptviz.subjects.overview.analysis import self_checks
from gptviz.tokenizers import CharacterTokenizer
from gptviz.training.config import TrainingConfig
from gptviz.training.optimizer import numbers_kept

LETTERS = CharacterTokenizer(sorted(set(string.printable)))
TEXT = "a cat sat"
LEFT_OUT = {
    "bigram": {"n_layer": 0, "position": "none", "norm": "none", "tie_weights": False},
    "no blocks": {"n_layer": 0},
    "no attention": {"attention": False},
    "no attention, norms after": {"attention": False, "norm": "post"},
    "no MLP": {"mlp": False},
    "no MLP, no norms": {"mlp": False, "norm": "none", "tie_weights": False},
}


def made(**changes) -> LanguageModel:
    shape = {"block_size": 16, "n_layer": 2, "n_head": 2, "n_embd": 8, **changes}
    generator = torch.Generator().manual_seed(0)
    model = GPT(GPTConfig(LETTERS.vocab_size, **shape), generator)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_(std=0.5, generator=generator)
    return LanguageModel(model, LETTERS, "tiny", "tiny")


@pytest.fixture(scope="module", params=LEFT_OUT.values(), ids=LEFT_OUT)
def lm(request: pytest.FixtureRequest) -> LanguageModel:
    return made(**request.param)


def weights(lm: LanguageModel) -> dict[str, np.ndarray]:
    return {name: tensor.double().numpy() for name, tensor in lm.model.state_dict().items()}


def test_parameters_are_counted_as_they_are(lm):
    assert parameters.count(lm.config) == lm.model.n_parameters
    needed = estimate.memory(TrainingConfig(lm.config, "text.txt"))
    assert needed.weights == 4 * lm.model.n_parameters
    of_blocks = sum(p.numel() for p in lm.model.h.parameters() if p.dim() == 2)
    muon = numbers_kept(lm.config, "muon")
    assert muon == 2 * lm.model.n_parameters - of_blocks


def test_a_bigram_is_a_table_of_pairs():
    lm = made(**LEFT_OUT["bigram"])
    own = weights(lm)
    assert own.keys() == {"wte.weight", "lm_head.weight"}
    pairs = own["wte.weight"] @ own["lm_head.weight"].T  # what may follow each letter
    np.testing.assert_allclose(lm.trace(TEXT).logits, pairs[lm.ids(TEXT)], atol=1e-5)


def test_without_attention_no_token_learns_of_another():
    lm = made(attention=False)
    own, norm = weights(lm), torch.nn.functional.layer_norm
    x = own["wte.weight"][lm.ids(TEXT)] + own["wpe.weight"][: len(TEXT)]

    def normed(x: np.ndarray, name: str) -> np.ndarray:
        gamma, beta = (torch.tensor(own[f"{name}.{part}"]) for part in ("weight", "bias"))
        return norm(torch.tensor(x), (8,), gamma, beta).numpy()

    for i in range(2):
        inner = normed(x, f"h.{i}.ln_2") @ own[f"h.{i}.mlp.c_fc.weight"].T
        inner = torch.tensor(inner + own[f"h.{i}.mlp.c_fc.bias"])
        act = torch.nn.functional.gelu(inner, approximate="tanh").numpy()
        x = x + act @ own[f"h.{i}.mlp.c_proj.weight"].T + own[f"h.{i}.mlp.c_proj.bias"]
    expected = normed(x, "ln_f") @ own["wte.weight"].T
    np.testing.assert_allclose(lm.trace(TEXT).logits, expected, atol=1e-4)
    other = lm.trace("b" + TEXT[1:])
    assert torch.equal(other.logits[1:], lm.trace(TEXT).logits[1:])
    assert not any("ln_1" in name or "c_attn" in name for name in own)


def test_a_part_that_is_left_out_adds_nothing(lm):
    trace = lm.trace(TEXT)
    for i, before in enumerate(lm.config.stream[:-1]):
        assert lm.config.attention or not trace[f"h.{i}.attn"].any()
        assert lm.config.mlp or not trace[f"h.{i}.mlp"].any()
        if lm.config.norm != "post":
            torch.testing.assert_close(
                trace[before] + trace[f"h.{i}.attn"] + trace[f"h.{i}.mlp"], trace[f"h.{i}"]
            )
    assert all(check.holds for check in self_checks(lm, trace))
    assert set(trace) == set(gptviz.activations.activation_names(lm.config))


def test_a_growing_text_is_read_as_one_that_is_there(lm):
    ids = lm.ids(TEXT)
    cache = lm.model.new_cache()
    with torch.inference_mode():
        whole = lm.model(torch.tensor([ids]))[0]
        grown = [lm.model(torch.tensor([[token]]), cache)[0, -1] for token in ids]
    assert cache.length == len(ids)
    torch.testing.assert_close(torch.stack(grown), whole, atol=1e-5, rtol=1e-5)
    written = [step.id for step in lm.generate(TEXT, 20, seed=0)]  # beyond the context
    assert len(written) == 20


def test_the_path_has_a_row_for_what_is_there(lm):
    trace, L, T = lm.trace(TEXT), lm.config.n_layer, len(TEXT)
    way = journey(lm, trace)
    assert way.stream.shape == (L + 1, T)
    assert way.pattern.shape == (L, T, T)
    assert way.attn.shape == way.mlp.shape == way.middle.shape == (L, T)
    assert bool(way.pattern.any()) is lm.config.has_attention
    assert len(journey_table(way, trace.tokens)) == T


def test_it_is_saved_loaded_and_exported_as_it_is(lm, tmp_path: Path, capsys):
    logits = lm.trace(TEXT).logits
    checkpoints.save(tmp_path / "saved", lm.model, LETTERS)
    assert gptviz.load(tmp_path / "saved").config == lm.config
    assert main(["export", str(tmp_path / "saved"), str(tmp_path / "exported")]) == 0
    capsys.readouterr()
    again = gptviz.load(tmp_path / "exported")
    assert again.config == lm.config
    saved, weights = again.model.state_dict(), lm.model.state_dict()
    assert saved.keys() == weights.keys()
    assert all(torch.equal(saved[name], weights[name]) for name in weights)
    # Where numbers lie in memory may decide in which order a processor adds them up.
    torch.testing.assert_close(again.trace(TEXT).logits, logits, rtol=1e-5, atol=1e-5)


def test_a_program_that_knows_plain_gpt2_only_refuses_it(tmp_path: Path):
    checkpoints.save(tmp_path / "own", made(attention=False).model, LETTERS)
    told = (tmp_path / "own" / "config.json").read_text()
    assert '"model_type": "gptviz"' in told
    assert '"attention": false' in told


def test_the_names_of_norms_and_parts_are_those_that_there_are(lm):
    config, trace = lm.config, lm.trace(TEXT)
    norms = layer_norms.norm_names(config)
    assert [f"{name}.weight" for name in norms] == [
        name
        for name in lm.model.state_dict()
        if ".ln_" in name or name.startswith("ln_f")
        if name.endswith("weight")
    ]
    for norm in norms:
        assert layer_norms.by_hand(lm, trace, norm, 3).holds
    if config.norm == "post":
        return
    parts = residual.attribution(lm, trace, 3, 5)
    assert parts.sum() == pytest.approx(float(trace.logits[3, 5]), abs=1e-4)
    assert parts.index.str.contains("mlp").any() == config.has_mlp
    assert parts.index.str.contains("attn").any() == config.has_attention


@pytest.mark.parametrize(
    ("name", "ask", "told"),
    [
        ("no attention", lambda lm: attention.patterns(lm.trace(TEXT)), "has no attention"),
        ("no attention", induction.induction_scores, "has no attention"),
        ("no attention", lambda lm: gptviz.show.heatmap(lm.trace(TEXT)), "has no attention"),
        ("no blocks", lambda lm: gptviz.show.lines(lm.trace(TEXT)), "has no blocks"),
        ("no blocks", lambda lm: inside(lm, lm.trace(TEXT), "mlp", 0), "has no blocks"),
        ("no blocks", lambda lm: residual.added(lm, lm.trace(TEXT), 0), "has no blocks"),
        ("no MLP", lambda lm: mlp.neuron(lm, 0, 0), "has no MLP"),
        ("no MLP", lambda lm: mlp.units(lm.trace(TEXT), 0, 0), "has no MLP"),
    ],
    ids=lambda value: getattr(value, "__name__", value),
)
def test_what_is_about_a_part_that_is_not_there_is_refused_in_words(name, ask, told):
    with pytest.raises(ValueError, match=f"this model {told}.*; choose another model"):
        ask(made(**LEFT_OUT[name]))


def test_the_inside_of_a_block_has_the_steps_of_its_parts():
    for name, half in (("no attention", "mlp"), ("no MLP", "attention")):
        lm = made(**LEFT_OUT[name])
        steps = inside(lm, lm.trace(TEXT), "attention", 2, 1)
        assert {step.half for step in steps} == {half}
    lm = made(n_layer=0)
    assert inside(lm, lm.trace(TEXT), "norm", 2)[0].parts[0].name == "embed"


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"optimizer": "muon"}, "with n_layer 0 there are none; choose optimizer adamw"),
        ({"guide_previous": 0.5}, "guides a head, and this model has no attention"),
    ],
)
def test_what_a_run_cannot_do_with_such_a_model_is_told_before_it_begins(changes, told):
    with pytest.raises(SettingError, match=told):
        TrainingConfig(GPTConfig(10, 8, n_layer=0), "text.txt", **changes)


def test_what_older_runs_said_of_attention_is_no_part_that_is_left_out():
    config = TrainingConfig(GPTConfig(10, 8, 1, 2, 8), "text.txt")
    told = config.to_dict()
    assert told["model"]["attention"] is True
    told["model"]["attention"] = "fused"
    assert TrainingConfig.from_dict(told) == config


def test_a_model_says_what_it_lacks():
    assert "no layers, width 8" in repr(made(n_layer=0))
    assert "2 layers × no attention × width 8" in repr(made(attention=False))
    assert "2 layers × 2 heads × width 8, no MLP" in repr(made(mlp=False))
