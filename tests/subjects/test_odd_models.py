"""Laws of the inside hold in models that are built otherwise than GPT-2, or a sentence says no."""

from collections.abc import Callable
from itertools import product
from typing import Any

import pytest
import torch
from torch import Tensor

from gptviz import (
    GPT,
    GPTConfig,
    LanguageModel,
    attention,
    compare,
    measures,
    mlp,
    patching,
    residual,
    what_if,
)
from gptviz.activations import Trace
from gptviz.subjects.by_hand import analysis as by_hand
from gptviz.subjects.by_hand import vector_analysis
from gptviz.subjects.what_if.changes_analysis import KINDS, PARTS, Change, Effect, effect
from gptviz.tokenizers import CharacterTokenizer

CLEAN, CORRUPTED = "the cat sat", "dog ran off"
A_B = measures.logit_difference(10, 20)
BUILT: dict[str, dict[str, Any]] = {
    "relu": {"activation": "relu", "n_inner": 5},
    "without biases": {"qkv_bias": False},
    "untied": {"tie_weights": False},
    "post": {"norm": "post"},
    "without norms": {"norm": "none"},
    "waves": {"position": "sinusoidal"},
    "without positions": {"position": "none"},
    "without shortcuts": {"residual": False},
    "scores shrink": {"scale_attn_by_inverse_layer_idx": True},
    "scores as they are": {"scale_attn_weights": False},
    "one head": {"n_layer": 1, "n_head": 1},
    "without attention": {"attention": False},
    "without MLP": {"mlp": False},
    "without MLP, post": {"mlp": False, "norm": "post"},
    "without blocks": {"n_layer": 0},
    "a table of pairs": {"n_layer": 0, "norm": "none", "position": "none", "tie_weights": False},
}


@pytest.fixture(scope="module", params=BUILT)
def lm(request: pytest.FixtureRequest) -> LanguageModel:
    shape = {"n_layer": 2, "n_head": 2, "n_embd": 8, **BUILT[request.param]}
    model = GPT(GPTConfig(30, 32, **shape), torch.Generator().manual_seed(0))
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_(std=0.3, generator=generator)
    tokenizer = CharacterTokenizer("abcdefghijklmnopqrstuvwxyz .,!")
    return LanguageModel(model, tokenizer, "odd", request.param)


def test_the_last_row_of_the_lens_is_the_output(lm):
    trace = lm.trace(CLEAN)
    found = residual.logit_lens(lm, trace)
    assert found.shape == (lm.config.n_layer + 1, len(CLEAN), 30)
    torch.testing.assert_close(found[-1], trace.logits.log_softmax(-1))


def test_the_parts_sum_to_the_logit(lm):
    trace, config = lm.trace(CLEAN), lm.config
    if not config.residual or config.norm == "post":  # then the stream is no such sum
        with pytest.raises(ValueError, match="no sum of what the parts added"):
            residual.attribution(lm, trace, 9, 7)
        return
    for against in (None, 4):
        parts = residual.attribution(lm, trace, 9, 7, against)
        logit = trace.logits[9, 7] - (0 if against is None else trace.logits[9, against])
        assert parts.sum() == pytest.approx(float(logit), abs=1e-5)
    heads = config.n_layer * config.n_head if config.attention else 0
    assert len(residual.head_table(parts)) == heads


@pytest.mark.parametrize("measure", ["loss", "kl", lambda logits: logits[2, 4]])
def test_knocking_out_a_head_is_setting_its_z_to_zero(lm, measure):
    if not lm.config.has_attention:
        with pytest.raises(ValueError, match=r"^this model has no (attention|blocks) "):
            what_if.knock_out(lm, CLEAN, measure)
        return
    found = what_if.knock_out(lm, CLEAN, measure)
    assert found.shape == (lm.config.n_layer, lm.config.n_head)
    ids = lm.ids(CLEAN)
    resolved = measures.resolve(measure, lm, ids)

    def measured(edits: Any) -> float:
        logits = lm.trace(ids, ["logits"], edits).logits
        return float(resolved.of(logits[-1:] if resolved.last_only else logits))

    for layer, head in product(range(lm.config.n_layer), range(lm.config.n_head)):
        edits = {f"h.{layer}.attn.z": lambda z, head=head: z.index_fill(0, torch.tensor(head), 0)}
        assert found[layer, head] == pytest.approx(measured(edits) - measured({}), abs=1e-5)


@pytest.mark.parametrize("names", ["h.*", "h.*.attn", "h.*.mlp", "h.*.attn.z"])
def test_patching_everything_gives_the_clean_run(lm, names):
    config = lm.config
    there = {"h.*": config.n_layer > 0, "h.*.mlp": config.has_mlp}.get(names, config.has_attention)
    if not there:
        with pytest.raises(ValueError, match=r"^this model has no (attention|MLP|blocks) "):
            patching.patch(lm, CLEAN, CORRUPTED, names, A_B)
        return
    found = patching.patch(lm, CLEAN, CORRUPTED, names, A_B)
    wide = config.n_head if names == "h.*.attn.z" else len(CLEAN)
    assert found.shape == (config.n_layer, wide)
    assert found.isfinite().all()
    source = lm.trace(CLEAN)

    def clean_at(name: str, place: Any) -> dict[str, Callable[[Tensor], Tensor]]:
        def patched(x: Tensor) -> Tensor:
            x[place] = source[name][place]
            return x

        return {name: patched}

    usual = lm.trace(CORRUPTED)
    whole, nothing = (float(A_B.of(trace.logits)) for trace in (source, usual))
    for layer, at in product(range(config.n_layer), range(wide)):
        place = at if names == "h.*.attn.z" else (..., at, slice(None))
        changed = lm.trace(CORRUPTED, ["logits"], clean_at(names.replace("*", str(layer)), place))
        share = (float(A_B.of(changed.logits)) - nothing) / (whole - nothing)
        assert found[layer, at] == pytest.approx(share, abs=1e-4, rel=1e-3)
        if names != "h.*.attn.z":
            assert torch.equal(changed.logits[:at], usual.logits[:at]), "nothing before it changes"
    last = source[f"h.{config.n_layer - 1}"]
    everything = lm.trace(CORRUPTED, ["logits"], {"h.*": lambda _: last})
    assert torch.equal(everything.logits, source.logits)


def test_no_change_changes_nothing_bit_for_bit(lm):
    usual = lm.trace(CLEAN)
    for name in usual:
        if not name.endswith((".scores", ".pattern", ".scale", ".normalized")):
            found = lm.trace(CLEAN, ["logits"], {name: lambda x: x})
            assert torch.equal(found.logits, usual.logits), name


def test_what_stands_beside_itself_differs_by_nothing(lm):
    trace = lm.trace(CLEAN)
    apart = compare.next_tokens(lm, trace, lm, trace)
    assert apart.kl == apart.total_variation == 0
    assert not compare.lens_distances(lm, trace, lm, trace).any()
    if lm.config.has_attention:
        assert not compare.head_distances(trace, trace).any()


def test_a_change_gives_numbers_or_says_why_it_cannot(lm):
    usual = lm.trace(CLEAN)
    changes = [Change(kind, layer=0, head=0, query=3, key=1) for kind in KINDS]
    changes += [Change(kind, part) for kind, part in product(("off", "no-residual"), PARTS)]
    lacks = ("attention", "MLP", "blocks", "shortcuts", "layer norm")
    told = (
        *(f"this model has no {part}" for part in lacks),
        *("a norm can be", "a shortcut can be", "nothing is added by 'h."),
    )
    for change in changes:
        found = effect_or_words(lm, usual, change)
        if isinstance(found, str):
            assert found.startswith(told), change
            assert not found.endswith("there are "), change
        else:
            assert found.table["after"].between(0, 1).all(), change
            assert len(found.moved) == (lm.config.n_layer if lm.config.has_attention else 0)


def effect_or_words(lm: LanguageModel, usual: Trace, change: Change) -> Effect | str:
    try:
        return effect(lm, usual, change)
    except ValueError as error:
        return str(error)


ASKED: dict[str, Callable[[LanguageModel], object]] = {
    "attention": lambda lm: attention.circuits(lm, 0, 0).qk(3),
    "a head's table": lambda lm: attention.value_weighted(lm, lm.trace(CLEAN), 0, 0),
    "attention, rollout": lambda lm: attention.rollout(lm.trace(CLEAN)),
    "attention, one row": lambda lm: attention.arithmetic(lm.trace(CLEAN), 0, 0, 3),
    "attention, by hand": lambda lm: by_hand.attention_cell(lm.trace(CLEAN), 0, 0, 4, 0),
    "MLP": lambda lm: mlp.activations(lm.trace(CLEAN), 0, 1),
    "MLP, most active": lambda lm: mlp.most_active(lm.trace(CLEAN), 0, 1),
    "MLP, share": lambda lm: mlp.share_table(lm, lm.trace(CLEAN)),
    "MLP, curve": lambda lm: mlp.curve(lm, -1.0, 1.0),
    "MLP, by hand": lambda lm: vector_analysis.activation(lm, lm.trace(CLEAN), 0, 4, 0),
}


def test_who_asks_for_a_part_that_is_not_there_is_told(lm):
    for asked, ask in ASKED.items():
        if lm.config.has_mlp if asked.startswith("MLP") else lm.config.has_attention:
            ask(lm)
            continue
        with pytest.raises(ValueError, match=r"^this model has no (attention|MLP|blocks) "):
            ask(lm)


@pytest.mark.parametrize("head", [-1, 2])
def test_a_head_that_does_not_exist_is_refused(tiny_lm, head):
    trace = tiny_lm.trace(CLEAN)
    for asked in (
        lambda: attention.circuits(tiny_lm, 0, head),
        lambda: attention.value_weighted(tiny_lm, trace, 1, head),
        lambda: attention.arithmetic(trace, 1, head, 0),
        lambda: tiny_lm.trace(CLEAN, edits=what_if.scaled("h.0.attn.z", 0, head)),
        lambda: tiny_lm.trace(CLEAN, edits=what_if.averaged("h.0.attn.z", head)),
        lambda: tiny_lm.trace(CLEAN, edits=what_if.with_pattern(0, head, what_if.uniform_pattern)),
    ):
        with pytest.raises(ValueError, match=f"head is {head}; .* has 2, counted from 0"):
            asked()
    with pytest.raises(ValueError, match=r"h\.0\.mlp has no heads; leave the head out"):
        tiny_lm.trace(CLEAN, edits=what_if.scaled("h.0.mlp", 0, head=1))
