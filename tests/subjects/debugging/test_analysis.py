"""Shapes, modules and gradients, beside what PyTorch and numpy say."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from gptviz import GPT, GPTConfig, LanguageModel
from gptviz.parameters import count
from gptviz.subjects import debugging
from gptviz.subjects.debugging import analysis, gradient_analysis, sentences
from gptviz.tokenizers import CharacterTokenizer

LETTERS = CharacterTokenizer(list("abcdefgh"))
SHAPE = GPTConfig(8, block_size=16, n_layer=2, n_head=3, n_embd=12)
KINDS = {
    "usual": {},
    "no norms": {"norm": "none"},
    "norms after": {"norm": "post"},
    "no shortcuts": {"residual": False},
    "its own output": {"tie_weights": False},
    "waves": {"position": "sinusoidal"},
    "narrow MLP": {"n_inner": 5},
    "no attention": {"attention": False},
    "no MLP": {"mlp": False},
    "no blocks": {"n_layer": 0},
}


def made(**changes) -> LanguageModel:
    model = GPT(replace(SHAPE, **changes), torch.Generator().manual_seed(1))
    return LanguageModel(model, LETTERS, "made", str(changes))


@pytest.fixture(scope="module")
def lm() -> LanguageModel:
    return made()


@pytest.mark.parametrize("changes", KINDS.values(), ids=KINDS)
def test_every_shape_has_the_letters_that_stand_beside_it(changes):
    lm = made(**changes)
    trace = lm.trace("abcdabc")
    table = debugging.walk(lm, trace)
    config = lm.config
    sizes = {"B": 1, "T": 7, "C": 12, "3C": 36, "H": 3, "d": 4, "V": 8, "1": 1}
    sizes["D"] = config.mlp_width
    for row in table.to_dict("records"):
        expected = [sizes[letter] for letter in row["letters"].split(" × ")]
        assert [int(size.replace(",", "")) for size in row["output"].split(" × ")] == expected
        assert row["numbers"] == math.prod(expected)
    assert table["recorded"].sum() == len(trace), "all that the trace holds was met on the way"


def test_the_walk_goes_from_ids_to_logits_and_meets_every_module(lm):
    table = debugging.walk(lm, lm.trace("abcd"))
    named = [name for name, module in GPT(SHAPE).named_modules() if name not in ("", "h")]
    assert set(table["module"]) == set(named)
    assert table["module"].iloc[0] == "wte"
    assert table["input"].iloc[0] == "1 × 4"
    assert table["module"].iloc[-1] == "logits"
    linear = table.set_index("module").loc["h.1.mlp.c_fc"]
    assert (linear["class"], linear["input"], linear["output"]) == (
        "Linear",
        "1 × 4 × 12",
        "1 × 4 × 48",
    )


def test_walk_and_gradients_leave_the_shared_model_as_it_is(lm):
    before = lm.trace("abcd").logits.clone()
    table = debugging.walk(lm, lm.trace("abcd"))
    debugging.by_parameter(lm, lm.ids("abcd"))
    assert len(table)
    assert all(p.grad is None and not p.requires_grad for p in lm.model.parameters())
    assert torch.equal(lm.trace("abcd").logits, before)


def test_a_copy_has_the_same_numbers_and_takes_no_memory(lm):
    twin = analysis.bare(lm)
    for own, shared in zip(twin.parameters(), lm.model.parameters(), strict=True):
        assert own.data_ptr() == shared.data_ptr()


def test_any_network_of_pytorch_is_a_table():
    network = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2, bias=False))
    table = debugging.modules(network)
    assert table.to_dict("list") == {
        "module": ["Sequential", "0", "1", "2"],
        "class": ["Sequential", "Linear", "ReLU", "Linear"],
        "parameters": [24, 16, 0, 8],
        "shapes": ["", "weight 4 × 3, bias 4", "", "weight 2 × 4"],
    }


@pytest.mark.parametrize("changes", KINDS.values(), ids=KINDS)
def test_the_table_of_a_model_has_what_print_shows_and_all_its_parameters(changes):
    lm = made(**changes)
    table = debugging.modules(lm)
    assert table["parameters"].iloc[0] == count(lm.config)
    printed = str(GPT(replace(lm.config, n_layer=1)))
    for row in table[1:].itertuples():
        last = row.module.rpartition(".")[2]
        if not last.isdigit():  # PyTorch folds equal blocks to one line
            assert f"({last}): {row._2}" in printed


def by_hand(model: GPT, ids: list[int]) -> dict[str, np.ndarray]:
    """The gradient of each parameter by PyTorch's own functions."""
    model = model.eval().requires_grad_(True)
    with torch.enable_grad():
        logits = model(torch.tensor([ids[:-1]]))[0]
        loss = F.nll_loss(logits.log_softmax(-1), torch.tensor(ids[1:]))
        found = torch.autograd.grad(loss, list(model.parameters()))
    names = [name for name, _ in model.named_parameters()]
    return {n: g.double().numpy() for n, g in zip(names, found, strict=True)}


WHOSE = {
    "fresh": {},
    "no-norms": {"norm": "none"},
    "no-shortcuts": {"residual": False},
    "neither": {"norm": "none", "residual": False},
}


@pytest.mark.parametrize("whose", ["loaded", *WHOSE])
def test_gradients_are_those_of_autograd(lm, whose):
    ids, seed = lm.ids("abcdefghhg"), 7
    table = debugging.by_parameter(lm, ids, whose, seed).set_index("parameter")
    if whose == "loaded":
        model = GPT(SHAPE, torch.Generator().manual_seed(1))
    else:
        model = GPT(replace(SHAPE, **WHOSE[whose]), torch.Generator().manual_seed(seed))
    expected = by_hand(model, ids)
    assert table.index.tolist() == list(expected)
    for name, g in expected.items():
        row = table.loc[name]
        measures = [np.linalg.norm(g), np.abs(g).mean(), g.mean(), g.std()]
        np.testing.assert_allclose(
            [row["norm"], row["mean absolute"], row["mean"], row["spread"]],
            measures,
            rtol=2e-3,
            atol=1e-7,
        )


def test_parts_and_types_are_all_their_parameters_together(lm):
    ids = lm.ids("abcdefgh")
    table, model = debugging.by_parameter(lm, ids), GPT(SHAPE, torch.Generator().manual_seed(1))
    g = by_hand(model, ids)
    attn = np.concatenate([g[name].ravel() for name in g if name.startswith("h.1.attn")])
    part = debugging.by_part(table).set_index("part").loc["h.1.attn"]
    norms = np.concatenate([g[n].ravel() for n in g if ".ln_" in n or n.startswith("ln_f")])
    kind = debugging.by_type(table).set_index("type").loc["layer norm"]
    for row, numbers in ((part, attn), (kind, norms)):
        assert row["numbers"] == numbers.size
        measures = [np.linalg.norm(numbers), np.abs(numbers).mean(), numbers.mean(), numbers.std()]
        found = [row["norm"], row["mean absolute"], row["mean"], row["spread"]]
        np.testing.assert_allclose(found, measures, rtol=1e-3, atol=1e-7)
    whole = np.concatenate([each.ravel() for each in g.values()])
    assert gradient_analysis.whole_norm(table) == pytest.approx(np.linalg.norm(whole), rel=1e-4)
    assert debugging.by_type(table)["type"].tolist() == [
        "embedding",
        "layer norm",
        "attention",
        "MLP",
    ]


@pytest.mark.parametrize("changes", [{"attention": False}, {"mlp": False}, {"n_layer": 0}])
def test_a_model_that_does_without_a_part_has_gradients_of_the_rest(changes):
    lm = made(**changes)
    table = debugging.by_parameter(lm, lm.ids("abcd"))
    assert table["parameter"].tolist() == [name for name, _ in lm.model.named_parameters()]
    assert "left without" in sentences.of_parts(debugging.by_part(table), 1.0)
    if "n_layer" not in changes:
        with pytest.raises(ValueError, match="each part takes the place of the vector"):
            debugging.by_parameter(lm, lm.ids("abcd"), "no-shortcuts")


def test_progress_goes_there_and_back(lm):
    told = []
    debugging.by_parameter(lm, lm.ids("abc"), progress=lambda *done: told.append(done))
    assert told == [(0, 6), (1, 6), (2, 6), (4, 6)]


def test_no_token_to_guess_and_no_room_are_told_in_words(lm, monkeypatch):
    with pytest.raises(ValueError, match="a gradient needs a token to guess, and 1 token came"):
        debugging.by_parameter(lm, [3])
    monkeypatch.setattr(gradient_analysis.estimate, "available_memory", lambda: 10_000)
    with pytest.raises(ValueError, match="the gradients of this model take about"):
        debugging.by_parameter(lm, [3, 4])


def parts(**norms: float):
    rows = [(name.replace("_", "."), 4, norm) for name, norm in norms.items()]
    return gradient_analysis.pd.DataFrame(rows, columns=["part", "numbers", "norm"])


def test_a_sentence_tells_which_parts_lie_outside():
    told = sentences.of_parts(parts(embedding=3.0, h_0_attn=0.5, h_0_mlp=0.05, h_0_norm=2e-5), 3.1)
    assert told == (
        "Of 4 parts, **1** lies between 0.1 and 2, **2** below (h.0.mlp, h.0.norm), **1** above "
        "(embedding). No attention and no MLP is left without a gradient."
    )


def test_a_sentence_tells_where_the_gradient_vanishes():
    told = sentences.of_parts(parts(embedding=1.0, h_0_attn=5e-4, h_0_mlp=0.0, h_1_mlp=0.2), 1.02)
    assert "h.0.attn, h.0.mlp get less than 0.001 of the whole norm, and will not learn." in told
    assert "h.0.attn get less than" in sentences.of_parts(parts(h_0_attn=0.0), 0.0)


@pytest.mark.parametrize(
    ("norm", "told"),
    [
        (0.05, "**0.05**, below 0.1: next to nothing is told to this network. Clipping at 1 would"),
        (0.5, "**0.5**, between 0.1 and 2. Clipping at 1 would leave it as it is."),
        (4.0, "**4**, above 2, which is usual for one short text: a batch of many pulls less."),
        (4.0, "Clipping at 1 would shorten it to 25.0% of its length."),
    ],
)
def test_a_sentence_tells_how_long_the_whole_gradient_is(norm, told):
    assert told in sentences.of_whole(parts(embedding=norm))
