"""How a picture came about: each step shows what its own snapshot would show by itself."""

import weakref
from pathlib import Path

import numpy as np
import pytest
import torch

import gptviz
from gptviz import language_model
from gptviz.model import GPT, GPTConfig
from gptviz.runs import Run
from gptviz.subjects.embeddings import analysis as embeddings
from gptviz.subjects.time_machine import analysis as time_machine
from gptviz.tokenizers import CharacterTokenizer
from gptviz.training.config import TrainingConfig
from gptviz.training.record import snapshots

TOKENIZER = CharacterTokenizer.from_text("abcdefgh")
STEPS = [0, 3, 40]
IDS = [0, 3, 1, 3]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """A run with three snapshots of different models, of more room than there are tokens."""
    config = GPTConfig(vocab_size=9, block_size=16, n_layer=2, n_head=2, n_embd=8)
    run = Run.create(tmp_path / "run", TrainingConfig(model=config, data="text.txt"))
    for step in STEPS:
        model = GPT(config, torch.Generator().manual_seed(step))
        with torch.no_grad():
            model.wte.weight.mul_(8)  # so that its choices are far from even
        snapshots.save(run, step, model, TOKENIZER)
    return run


def at(run: Run, step: int) -> gptviz.LanguageModel:
    return gptviz.load(run.snapshot(step))


def test_a_head_s_pattern_is_that_of_each_snapshot(run):
    series = time_machine.patterns(time_machine.moments(run), IDS, layer=1, head=1)
    assert series.steps == STEPS
    assert series.values.shape == (3, 4, 4)
    for step, pattern in zip(series.steps, series.values, strict=True):
        expected = at(run, step).trace(IDS)["h.1.attn.pattern"][1]
        np.testing.assert_allclose(pattern, expected, atol=1e-6)


@pytest.mark.parametrize(("layer", "head"), [(0, 2), (0, -1), (2, 0)])
def test_a_head_that_is_not_there_is_refused_in_words(run, layer, head):
    with pytest.raises(ValueError, match=r"head|h\.2\.attn"):
        time_machine.patterns(time_machine.moments(run), IDS, layer, head)


def test_cosines_are_those_of_each_snapshot_s_embeddings(run):
    series = time_machine.cosines(time_machine.moments(run), token=2)
    assert series.values.shape == (3, 9)
    for step, cosines in zip(series.steps, series.values, strict=True):
        lm = at(run, step)
        nearest = embeddings.nearest(lm, lm.model.wte.weight[2], 9, without={2})
        np.testing.assert_allclose(cosines[nearest["id"]], nearest["cosine"], atol=1e-6)
        assert cosines[2] == -np.inf


def test_probabilities_are_those_that_each_snapshot_draws_from(run):
    series = time_machine.distributions(time_machine.moments(run), IDS)
    assert series.values.shape == (3, 9)
    np.testing.assert_allclose(series.values.sum(-1), 1, atol=1e-5)
    for step, probabilities in zip(series.steps, series.values, strict=True):
        (first,) = at(run, step).generate(IDS, 1, seed=0)
        np.testing.assert_allclose(probabilities, first.probabilities, atol=1e-6)


def test_the_tokens_that_are_likeliest_in_the_end_are_followed_from_the_beginning(run):
    series = time_machine.distributions(time_machine.moments(run), IDS)
    table = time_machine.strongest(series, TOKENIZER, n=4)
    assert len(table) == 3 * 4
    last = table[table["step"] == 40]
    assert last["value"].is_monotonic_decreasing
    assert last["value"].iloc[0] == series.values[-1].max()
    for row in table.itertuples():
        assert row.value == series.values[STEPS.index(row.step), row.id]
        assert row.token == TOKENIZER.pieces([row.id])[0]
        assert last[last["id"] == row.id]["rank"].item() == row.rank


def test_values_can_have_a_name_of_their_own(run):
    series = time_machine.cosines(time_machine.moments(run), token=2)
    table = time_machine.strongest(series, TOKENIZER, n=2, name="cosine")
    assert table.columns.tolist() == ["step", "rank", "token", "id", "cosine"]


def test_one_step_of_a_series_is_found_by_its_step(run):
    series = time_machine.patterns(time_machine.moments(run), IDS, 0, 0)
    assert np.array_equal(series.at(STEPS[1]).numpy(), series.values[1])
    with pytest.raises(ValueError, match="step 7 came; choose one of"):
        series.at(7)


def test_a_token_is_no_neighbour_of_its_own(run):
    series = time_machine.cosines(time_machine.moments(run), token=2)
    table = time_machine.strongest(series, TOKENIZER, n=9)
    assert sorted(table["id"].unique()) == [0, 1, 3, 4, 5, 6, 7, 8]


@pytest.mark.parametrize(
    "look",
    [
        lambda moments: time_machine.patterns(moments, IDS, 0, 0),
        lambda moments: time_machine.cosines(moments, 0),
        lambda moments: time_machine.distributions(moments, IDS),
    ],
)
@pytest.mark.usefixtures("no_collector")
def test_no_second_model_is_in_memory_while_one_is_looked_at(run, monkeypatch, look):
    load, loaded, together = language_model.load, [], []

    def watched(name):
        together.append(sum(model() is not None for model in loaded))
        lm = load(name)
        loaded.append(weakref.ref(lm))
        return lm

    monkeypatch.setattr(time_machine.language_model, "load", watched)
    look(time_machine.moments(run))
    assert together == [0, 0, 0]


def test_a_snapshot_that_goes_while_others_are_looked_at_is_left_out(run):
    moments = time_machine.moments(run)
    assert next(moments)[0] == 0
    snapshots.forget_after(run, 3)
    assert [step for step, _ in moments] == [3]


def test_a_broken_snapshot_is_told_in_words(run):
    (run.snapshot(3) / "model.safetensors").write_bytes(b"broken")
    with pytest.raises(ValueError, match="cut off or no safetensors file"):
        time_machine.distributions(time_machine.moments(run), IDS)


def test_a_run_without_snapshots_has_nothing_to_show(run):
    snapshots.forget_after(run, -1)
    series = time_machine.distributions(time_machine.moments(run), IDS)
    assert series.steps == []
    with pytest.raises(ValueError, match="no snapshot yet"):
        time_machine.strongest(series, TOKENIZER)
