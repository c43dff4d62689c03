import copy

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from gptviz.language_model import LanguageModel
from gptviz.model import GPT, GPTConfig
from gptviz.subjects.layer_norms import analysis as layer_norms
from gptviz.subjects.layer_norms import stream_analysis as stream
from gptviz.tokenizers import CharacterTokenizer

law = settings(max_examples=15, deadline=None)
LETTERS = CharacterTokenizer.from_text("abcdefgh")


@st.composite
def runs(draw):
    """A tiny model with random weights, γ and β among them, and a trace of a random text."""
    config = GPTConfig(
        LETTERS.vocab_size,
        block_size=6,
        n_layer=draw(st.integers(1, 3)),
        n_head=draw(st.integers(1, 2)),
        n_embd=2 * draw(st.integers(3, 8)),
        norm=draw(st.sampled_from(["pre", "post"])),
        position=draw(st.sampled_from(["learned", "none"])),
        tie_weights=draw(st.booleans()),
        layer_norm_epsilon=draw(st.sampled_from([1e-5, 1e-2, 1.0])),
    )
    generator = torch.Generator().manual_seed(draw(st.integers(0, 10_000)))
    model = GPT(config, generator)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_(std=draw(st.sampled_from([0.3, 0.8])), generator=generator)
    lm = LanguageModel(model, LETTERS, "tiny", "tiny")
    ids = draw(st.lists(st.integers(0, config.vocab_size - 1), min_size=1, max_size=6))
    return lm, lm.trace(ids)


def by_hand_everywhere(lm, trace):
    for norm in layer_norms.norm_names(lm.config):
        for position in range(len(trace.ids)):
            yield norm, layer_norms.by_hand(lm, trace, norm, position)


@law
@given(run=runs())
def test_the_steps_of_every_norm_end_in_what_its_module_returned(run):
    for _, found in by_hand_everywhere(*run):
        difference = (found.table["+ β"] - found.table["recorded"]).abs()
        assert (difference <= 1e-5 * found.table["recorded"].abs().clip(lower=1)).all()
        assert found.holds


@law
@given(run=runs())
def test_a_normalised_vector_has_mean_0_and_a_variance_just_under_1(run):
    lm, trace = run
    for _, found in by_hand_everywhere(lm, trace):
        moments = found.moments.set_index("step")
        variance = moments.loc["before", "variance"]
        assert moments.loc["normalised", "mean"] == pytest.approx(0, abs=1e-5)
        expected = variance / (variance + lm.config.layer_norm_epsilon)
        assert moments.loc["normalised", "variance"] == pytest.approx(expected, rel=1e-5)
        assert expected <= 1


@law
@given(run=runs())
def test_with_γ_1_and_β_0_the_output_is_the_normalised_vector(run):
    lm, trace = run
    with torch.no_grad():
        for norm in layer_norms.norm_names(lm.config):
            lm.model.get_submodule(norm).weight.fill_(1)
            lm.model.get_submodule(norm).bias.fill_(0)
    for _, found in by_hand_everywhere(lm, lm.trace(trace.ids)):
        table, moments = found.table, found.moments.set_index("step")
        assert table["recorded"].to_numpy() == pytest.approx(table["÷ √(var + ε)"], abs=1e-5)
        after, normalised = moments.loc["after"], moments.loc["normalised"]
        assert after["mean"] == pytest.approx(0, abs=1e-5)
        assert after["variance"] == pytest.approx(normalised["variance"], abs=1e-5)


@law
@given(run=runs(), data=st.data())
def test_leaving_out_a_norm_equals_a_model_built_without_it(run, data):
    lm, trace = run
    norm = data.draw(st.sampled_from(layer_norms.norm_names(lm.config)))
    found = layer_norms.leave_out(lm, trace, norm, n=4)
    without = copy.deepcopy(lm.model)
    parent, _, name = norm.rpartition(".")
    setattr(without.get_submodule(parent), name, nn.Identity())
    ids = torch.tensor([trace.ids])
    stages = []
    for block in without.h:
        block.resid_mid.register_forward_hook(lambda *call: stages.append(call[2][0]))
        block.register_forward_hook(lambda *call: stages.append(call[2][0]))
    logits = without(ids)[0]
    expected = np.stack([trace["embed"].norm(dim=-1), *(x.norm(dim=-1) for x in stages)])
    assert found.after.norm == pytest.approx(expected, rel=1e-4, abs=1e-4)
    p = trace.logits.double().softmax(-1)
    q = logits.double().softmax(-1)
    divergence = (p * (p / q).log()).nan_to_num(0.0).sum(-1)
    assert found.divergence == pytest.approx(divergence.numpy(), rel=1e-3, abs=1e-4)
    probability = q.gather(-1, torch.tensor(found.likeliest_after.ids))
    assert found.likeliest_after.after == pytest.approx(probability.numpy(), rel=1e-3, abs=1e-4)
    assert probability.numpy() == pytest.approx(q.topk(4).values.numpy(), rel=1e-3, abs=1e-4)


@law
@given(run=runs(), data=st.data())
def test_leaving_out_a_norm_changes_nothing_before_it(run, data):
    lm, trace = run
    norm = data.draw(st.sampled_from(layer_norms.norm_names(lm.config)))
    found = layer_norms.leave_out(lm, trace, norm)
    read = layer_norms.summands(lm.config, norm)[0]
    seen = found.before.stages.index(read) + 1
    assert np.array_equal(found.before.norm[:seen], found.after.norm[:seen])
    assert (found.divergence >= 0).all()


@law
@given(run=runs())
def test_the_length_of_the_stream_follows_from_its_mean_and_spread(run):
    lm, trace = run
    found = stream.measure(lm.config, trace)
    squares = lm.config.n_embd * (found.mean**2 + found.spread**2)
    assert found.norm == pytest.approx(np.sqrt(squares), rel=1e-4, abs=1e-5)
