"""Laws of changed runs: nothing changed is nothing lost, and each change does what it says."""

import math
from dataclasses import replace

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from gptviz import GPT, GPTConfig, LanguageModel, measures
from gptviz.interventions import TOKENS_AT_ONCE, batches
from gptviz.sampling import SamplingSettings, draw
from gptviz.subjects.patching.analysis import patch
from gptviz.subjects.what_if import analysis as what_if
from gptviz.subjects.what_if.changes_analysis import KINDS, Change, written
from gptviz.subjects.what_if.writing_analysis import write
from gptviz.tokenizers import CharacterTokenizer

TEXT = "the cat sat on the mat"


def test_no_change_changes_nothing_bit_for_bit(tiny_lm):
    usual = tiny_lm.trace(TEXT).logits
    for edits in ({}, what_if.scaled("h.*.mlp", 1), what_if.scaled("h.0.attn.z", 1, head=1)):
        assert torch.equal(tiny_lm.trace(TEXT, edits=edits).logits, usual)


def test_knocking_out_a_head_equals_setting_its_z_to_zero(tiny_lm):
    ids = tiny_lm.ids(TEXT)
    usual = measures.surprisal(tiny_lm.trace(ids).logits, ids)[1:].mean()
    found = what_if.knock_out(tiny_lm, ids, "loss")
    for layer in range(2):
        for head in range(2):
            edits = what_if.scaled(f"h.{layer}.attn.z", 0, head=head)
            loss = measures.surprisal(tiny_lm.trace(ids, edits=edits).logits, ids)[1:].mean()
            assert found[layer, head] == pytest.approx(float(loss - usual), abs=1e-6)


def test_a_head_that_does_nothing_costs_nothing():
    config = GPTConfig(30, 16, n_layer=2, n_head=2, n_embd=8)
    model = GPT(config, torch.Generator().manual_seed(0))
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_(std=0.3, generator=torch.Generator().manual_seed(1))
        model.h[1].attn.c_proj.weight[:, :4] = 0  # head 0 writes nothing
    lm = LanguageModel(model, CharacterTokenizer("abcdefghijklmnopqrstuvwxyz .,!"), "a", "a")
    found = what_if.knock_out(lm, "a cat", "kl")
    assert found[1, 0] == pytest.approx(0, abs=1e-6)
    assert (found.flatten()[[0, 1, 3]] > 1e-5).all()


def test_progress_is_told_and_may_end_the_work(tiny_lm):
    told: list[tuple[int, int]] = []
    what_if.knock_out(tiny_lm, TEXT, "kl", lambda done, of: told.append((done, of)))
    assert told == [(0, 4), (2, 4)]

    def enough(*_: int) -> None:
        raise TimeoutError

    with pytest.raises(TimeoutError):
        what_if.knock_out(tiny_lm, TEXT, "kl", enough)


def test_no_batch_holds_more_tokens_than_announced():
    for n_tokens in (1, 20, 1000, TOKENS_AT_ONCE + 1):
        groups = list(batches(300, n_tokens))
        assert [run for group in groups for run in group] == list(range(300))
        assert all(len(group) == 1 or len(group) * n_tokens <= TOKENS_AT_ONCE for group in groups)


class Largest(TorchDispatchMode):
    """How many numbers the largest tensor had that was made while this lasts."""

    def __init__(self):
        super().__init__()
        self.numbers = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        made = func(*args, **(kwargs or {}))
        for tensor in made if isinstance(made, tuple | list) else (made,):
            if isinstance(tensor, torch.Tensor):
                self.numbers = max(self.numbers, tensor.numel())
        return made


@pytest.mark.parametrize("measure", ["loss", measures.logit_difference(3, 5)])
@pytest.mark.parametrize("way", ["knock_out", "patch"])
def test_however_many_runs_there_are_the_logits_of_one_are_in_memory(way, measure):
    V, T, C = 5000, 12, 16
    model = GPT(GPTConfig(V, 16, n_layer=2, n_head=8, n_embd=C), torch.Generator().manual_seed(0))
    lm = LanguageModel(model, CharacterTokenizer(map(chr, range(500, 500 + V))), "a", "a")
    with Largest() as largest:
        if way == "knock_out":
            what_if.knock_out(lm, range(T), measure)
        else:
            patch(lm, range(T), range(1, T + 1), "h.*", measure)
    hidden_units = TOKENS_AT_ONCE * 4 * C
    assert largest.numbers <= max(hidden_units, V * T if measure == "loss" else V)


def test_without_the_mask_a_token_sees_what_is_to_come(tiny_lm):
    edits = what_if.without_mask(tiny_lm.config, 0)
    trace = tiny_lm.trace(TEXT, edits=edits)
    other = tiny_lm.trace(TEXT[:-1] + "x", edits=what_if.without_mask(tiny_lm.config, 0))
    assert not torch.equal(trace["h.0"][0], other["h.0"][0])
    pattern = (trace["h.0.attn.q"] @ trace["h.0.attn.k"].transpose(-2, -1) / 2).softmax(-1)
    torch.testing.assert_close(trace["h.0.attn.z"], pattern @ trace["h.0.attn.v"])


def test_without_the_division_scores_are_larger_by_the_root_of_d(tiny_lm):
    usual = tiny_lm.trace(TEXT, ["h.1.attn.scores"])["h.1.attn.scores"]
    edits = what_if.without_division(tiny_lm.config, 1)
    trace = tiny_lm.trace(TEXT, edits=edits)
    # The scores of block 1 depend on block 0 alone, which is as it was.
    pattern = (usual * math.sqrt(4)).softmax(-1)
    torch.testing.assert_close(trace["h.1.attn.z"], pattern @ trace["h.1.attn.v"])


@pytest.mark.parametrize(
    ("make", "row"),
    [
        (what_if.uniform_pattern, [0.25, 0.25, 0.25, 0.25, 0, 0]),
        (what_if.first_token_pattern, [1, 0, 0, 0, 0, 0]),
        (what_if.token_before_pattern, [0, 0, 1, 0, 0, 0]),
    ],
)
def test_a_replaced_pattern_is_what_it_is_called(tiny_lm, make, row):
    pattern = make(6)
    assert pattern[3].tolist() == row
    assert pattern.sum(-1).tolist() == pytest.approx([1] * 6)
    trace = tiny_lm.trace("abcdef", edits=what_if.with_pattern(1, 0, make))
    torch.testing.assert_close(trace["h.1.attn.z"][0], pattern @ trace["h.1.attn.v"][0])
    usual = tiny_lm.trace("abcdef")
    torch.testing.assert_close(trace["h.1.attn.z"][1], usual["h.1.attn.z"][1])


def test_a_cut_leaves_the_other_weights_to_sum_to_one(tiny_lm):
    usual = tiny_lm.trace(TEXT)
    trace = tiny_lm.trace(TEXT, edits=what_if.cut(5, 2, layer=0, head=1))
    pattern = usual["h.0.attn.pattern"].clone()
    pattern[1, 5, 2] = 0
    pattern[1, 5] /= pattern[1, 5].sum()
    torch.testing.assert_close(trace["h.0.attn.z"], pattern @ usual["h.0.attn.v"])


@pytest.mark.parametrize(("query", "key"), [(0, 0), (2, 3), (3, -1)])
def test_what_cannot_be_cut_is_refused(query, key):
    with pytest.raises(ValueError, match="cannot be cut"):
        what_if.cut(query, key)


def test_without_a_residual_connection_only_the_addition_is_left(tiny_lm):
    trace = tiny_lm.trace(TEXT, edits=what_if.without_residual(tiny_lm.config, "h.0.attn"))
    assert torch.equal(trace["h.0.resid_mid"], trace["h.0.attn"])
    trace = tiny_lm.trace(TEXT, edits=what_if.without_residual(tiny_lm.config, "h.1.mlp"))
    assert torch.equal(trace["h.1"], trace["h.1.mlp"])


def test_without_a_norm_the_norm_gives_back_the_stream(tiny_lm):
    for norm, stream in (("h.1.ln_2", "h.1.resid_mid"), ("ln_f", "h.1"), ("h.0.ln_1", "embed")):
        trace = tiny_lm.trace(TEXT, edits=what_if.without_norm(tiny_lm.config, norm))
        assert torch.equal(trace[norm], trace[stream])


def test_the_mean_of_a_head_is_the_same_at_all_positions(tiny_lm):
    usual = tiny_lm.trace(TEXT)["h.0.attn.z"]
    found = tiny_lm.trace(TEXT, edits=what_if.averaged("h.0.attn.z", head=1))["h.0.attn.z"]
    torch.testing.assert_close(found[1], usual[1].mean(0, keepdim=True).expand_as(usual[1]))
    assert torch.equal(found[0], usual[0])


def test_writing_without_a_change_is_the_usual_writing(tiny_lm):
    settings = SamplingSettings(temperature=0.9, top_k=20)
    usual = tiny_lm.generate("the ", 12, temperature=0.9, top_k=20, seed=3)
    found = write(tiny_lm, "the ", dict, 12, settings, seed=3)
    assert [step.id for step in found] == [step.id for step in usual]
    changed = write(tiny_lm, "the ", lambda: what_if.scaled("h.*", -3), 12, settings, seed=3)
    assert [step.id for step in changed] != [step.id for step in tiny_lm.generate("the ", 12)]


@pytest.mark.parametrize("kind", KINDS)
def test_a_change_writes_what_reading_the_whole_text_each_time_gives(tiny_lm, kind):
    change = Change(kind, part="head", layer=1, head=1, factor=-2.0, norm="h.1.ln_1", query=3)
    change = replace(change, part="attn") if kind == "no-residual" else change
    settings, length = SamplingSettings(temperature=0.9), 9
    found = written(tiny_lm, tuple(tiny_lm.ids("the cat")), change, settings, 5, length)
    ids = tiny_lm.ids("the cat")
    generator = torch.Generator().manual_seed(5)
    for _ in range(length):
        logits = tiny_lm.trace(ids, ["logits"], change.edits(tiny_lm.config)).logits[-1]
        ids.append(draw((logits / 0.9).softmax(-1), generator))
    assert list(found) == ids[-length:]


def test_a_change_of_the_logits_counts_in_what_is_written(tiny_lm):
    chosen = tiny_lm.ids("q")[0]

    def edit(logits):
        logits[..., chosen] = 1e4
        return logits

    steps = write(tiny_lm, "the ", lambda: {"logits": edit}, 3, SamplingSettings(), 0)
    assert [step.id for step in steps] == [chosen] * 3


def test_an_unknown_measure_is_told_with_the_known_ones(tiny_lm):
    with pytest.raises(ValueError, match="no measure 'los'; choose one of loss, kl"):
        what_if.knock_out(tiny_lm, TEXT, "los")
    with pytest.raises(ValueError, match="two tokens or more"):
        what_if.knock_out(tiny_lm, "a", "loss")
