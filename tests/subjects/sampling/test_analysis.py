"""Numbers about one choice, held to independent computations over the whole vocabulary."""

import itertools
import math
from itertools import islice

import numpy as np
import pytest
import torch
from torch import Tensor

import gptviz
from gptviz import LanguageModel
from gptviz.app import dice
from gptviz.app.examples import EXAMPLES
from gptviz.generation import next_logits
from gptviz.sampling import SamplingSettings, stages
from gptviz.subjects.sampling.analysis import (
    PRESETS,
    draw_table,
    draws,
    entropy,
    is_drawable,
    removals,
    rule_table,
    token_table,
    wilson_interval,
)

V = 5000
SETTINGS = [
    SamplingSettings(),
    *PRESETS.values(),
    SamplingSettings(temperature=1.4, top_p=0.8, repetition_penalty=1.5),
    SamplingSettings(temperature=0.7, top_k=100, top_p=0.5),
]


@pytest.fixture(scope="module")
def logits() -> Tensor:
    return torch.randn(V, generator=torch.Generator().manual_seed(0)) * 3


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
def test_each_preset_draws_from_a_more_open_distribution_than_the_one_before(
    example, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.delenv("GPTVIZ_CHECKPOINTS")  # the models on board
    lm = gptviz.load(example.model)
    ids = lm.ids(example.text)
    logits = lm.next_logits(ids).double()
    assert list(PRESETS) == ["greedy", "conservative", "balanced", "creative"]
    openness = []
    for preset in PRESETS.values():
        # By hand: as likely as the model says, at that temperature, among the k likeliest.
        best = logits.sort(descending=True).values[: preset.top_k if preset.temperature else 1]
        shares = (best / (preset.temperature or 1)).softmax(-1)
        openness.append(float(-(shares * shares.log()).sum()))
    assert openness[0] == 0
    assert all(bolder > tamer for tamer, bolder in itertools.pairwise(openness)), openness


def test_the_page_opens_with_the_balanced_preset():
    assert PRESETS["balanced"] == dice.DEFAULT == SamplingSettings(temperature=0.8, top_k=40)


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_every_token_of_the_vocabulary_is_kept_or_removed_by_one_rule(
    logits: Tensor, settings: SamplingSettings
):
    found = stages(logits, range(20), settings)
    removed = [id_ for removal in removals(found) for id_ in removal.ids.tolist()]
    kept = (~found[-1].logits.isneginf()).nonzero().flatten().tolist()
    assert sorted([*removed, *kept]) == list(range(V))


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_the_masses_of_the_removed_and_the_kept_add_up_to_one(
    logits: Tensor, settings: SamplingSettings
):
    seen = [1, 2, 3]
    found = stages(logits, seen, settings)
    before_cuts = stages(
        logits,
        seen,
        SamplingSettings(
            temperature=settings.temperature or 1.0, repetition_penalty=settings.repetition_penalty
        ),
    )[-1].probabilities
    for removal in removals(found):
        assert removal.mass == pytest.approx(float(before_cuts[removal.ids].sum()), abs=1e-5)
    kept = float(before_cuts[~found[-1].logits.isneginf()].sum())
    assert kept + sum(removal.mass for removal in removals(found)) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("temperature", [0.0, 0.7])
def test_what_ngrams_forbid_is_measured_before_the_temperature(temperature: float):
    logits = torch.tensor([3.0, 2.0, 1.0, 0.0])
    found = stages(logits, [1, 0, 1], SamplingSettings(temperature, no_repeat_ngram_size=2))
    forbidden, by_temperature, *_ = removals(found)
    p = logits.softmax(-1)
    assert forbidden.ids.tolist() == [0]
    assert forbidden.mass == pytest.approx(float(p[0]))
    assert by_temperature.mass == pytest.approx(0 if temperature else float(p[2:].sum()))


def test_removed_tokens_come_likeliest_first(logits: Tensor):
    _, _, by_top_k, *_ = removals(stages(logits, [], SamplingSettings(top_k=7)))
    assert by_top_k.ids[:3].tolist() == logits.argsort(descending=True)[7:10].tolist()


def test_greedy_says_that_temperature_removed_all_but_one(logits: Tensor):
    _, by_temperature, by_top_k, by_top_p, *_ = removals(stages(logits, [], PRESETS["greedy"]))
    assert len(by_temperature.ids) == V - 1
    assert by_temperature.mass == pytest.approx(1 - float(logits.softmax(-1).max()), abs=1e-6)
    assert len(by_top_k.ids) == len(by_top_p.ids) == 0


def test_entropy_counts_equally_likely_choices():
    for n in (1, 2, 37):
        assert math.exp(entropy(torch.full((n,), 1 / n))) == pytest.approx(n, rel=1e-6)
    assert entropy(torch.tensor([0.5, 0.25, 0.25, 0.0])) / math.log(2) == pytest.approx(1.5)


def test_the_table_shows_each_stage_of_the_likeliest_tokens(tiny_lm: LanguageModel):
    logits = next_logits(tiny_lm.model, tiny_lm.ids("ab"))
    settings = SamplingSettings(0.5, top_k=3, top_p=0.9, repetition_penalty=1.2)
    found = stages(logits, tiny_lm.ids("ab"), settings)
    table = token_table(tiny_lm.tokenizer, logits, found, 10)
    assert table["before"].is_monotonic_decreasing
    assert table["token"].tolist() == tiny_lm.tokenizer.pieces(table["id"].tolist())
    for stage in found:
        expected = stage.probabilities[table["id"].tolist()].tolist()
        assert table[stage.name].tolist() == pytest.approx(expected)
    cut = table["removed by"] != ""
    assert (table.loc[cut, "top_p"] == 0).all()
    assert (table.loc[~cut, "top_p"] > 0).all()
    assert set(table["removed by"]) <= {"", "top_k", "top_p"}


def test_the_first_draw_is_the_token_that_generation_writes_first(tiny_lm: LanguageModel):
    settings = SamplingSettings(temperature=1.3, top_p=0.95)
    ids = tiny_lm.ids("Hello")
    found = stages(next_logits(tiny_lm.model, ids), ids, settings)
    for seed in range(20):
        step = next(tiny_lm.generate(ids, 1, temperature=1.3, top_p=0.95, seed=seed))
        assert next(draws(found[-1].probabilities, 1, seed)) == step.id


def test_the_logits_of_the_page_are_those_that_generation_draws_from(tiny_lm: LanguageModel):
    ids = tiny_lm.ids("To be, or not to be")
    step = next(tiny_lm.generate(ids, 1, temperature=0.8, top_k=20, seed=0))
    logits = next_logits(tiny_lm.model, ids)
    assert torch.equal(logits, step.logits)
    settings = SamplingSettings(temperature=0.8, top_k=20)
    assert torch.equal(stages(logits, ids, settings)[-1].probabilities, step.probabilities)


def test_the_same_seed_draws_the_same_tokens_and_another_seed_others():
    probabilities = torch.full((1000,), 1 / 1000)
    first = list(draws(probabilities, 30, 7))
    assert list(draws(probabilities, 30, 7)) == first
    assert list(draws(probabilities, 30, 8)) != first
    assert list(islice(draws(probabilities, 1000, 7), 30)) == first


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_frequencies_lie_within_the_bounds_of_their_probabilities(seed: int):
    settings = SamplingSettings(temperature=0.8, top_k=12, top_p=0.95)
    logits = torch.randn(60, generator=torch.Generator().manual_seed(seed)) * 2
    probabilities = stages(logits, [], settings)[-1].probabilities
    n = 4000
    counts = np.bincount(list(draws(probabilities, n, seed)), minlength=60)
    deviation = np.sqrt(probabilities.numpy() * (1 - probabilities.numpy()) / n)
    # Four standard deviations: a fair draw leaves them once in some 16,000 cases.
    assert (np.abs(counts / n - probabilities.numpy()) <= 4 * deviation + 1e-12).all()
    assert (counts[probabilities.numpy() == 0] == 0).all()


def test_ninety_five_of_a_hundred_intervals_hold_the_truth():
    generator = np.random.default_rng(0)
    for share in (0.02, 0.3, 0.5):
        low, high = wilson_interval(generator.binomial(200, share, 4000), 200)
        assert 0.93 < ((low <= share) & (share <= high)).mean() < 0.98


def test_an_interval_holds_the_frequency_and_stays_between_zero_and_one():
    counts = np.arange(51)
    low, high = wilson_interval(counts, 50)
    assert low.min() == low[0] == 0
    assert high.max() == high[-1] == 1
    assert (low <= counts / 50 + 1e-12).all()
    assert (high >= counts / 50 - 1e-12).all()
    with pytest.raises(ValueError, match="nothing was drawn"):
        wilson_interval(np.zeros(3), 0)


def test_the_rule_table_has_every_token_once_and_all_of_the_probability(tiny_lm: LanguageModel):
    logits = 3 * torch.randn(tiny_lm.config.vocab_size, generator=torch.Generator().manual_seed(0))
    found = stages(logits, [], SamplingSettings(top_k=20, top_p=0.5))
    table = rule_table(tiny_lm.tokenizer, found)
    assert table["rule"].tolist() == [
        *("no_repeat_ngram_size", "temperature", "top_k", "top_p", "min_p", "typical_p", "kept"),
    ]
    assert table["tokens"].tolist()[:3] == [0, 0, tiny_lm.config.vocab_size - 20]
    assert table["tokens"].sum() == tiny_lm.config.vocab_size
    assert table["probability"].sum() == pytest.approx(1)
    pieces = tiny_lm.tokenizer.pieces(logits.argsort(descending=True).tolist())
    kept = table["tokens"].iloc[-1]
    groups = ([], [], pieces[20:25], pieces[kept:20][:5], [], [], pieces[:kept][:5])
    assert table["likeliest of them"].tolist() == [" ".join(group) for group in groups]


def test_the_draw_table_counts_every_draw_once(tiny_lm: LanguageModel):
    probabilities = torch.randn(tiny_lm.config.vocab_size).softmax(-1)
    ids = list(draws(probabilities, 500, 3))
    table = draw_table(tiny_lm.tokenizer, probabilities, ids, 5)
    assert table["token"].tolist()[-1] == "all others"
    assert table["count"].sum() == 500
    assert table["probability"].sum() == pytest.approx(1, abs=1e-6)
    likeliest = int(probabilities.argmax())
    assert table["id"].iloc[0] == likeliest
    assert table["count"].iloc[0] == ids.count(likeliest)
    assert (table["low"] <= table["frequency"]).all()
    assert (table["frequency"] <= table["high"]).all()


def test_a_choice_of_one_token_leaves_no_others_in_the_draw_table(tiny_lm: LanguageModel):
    probabilities = torch.zeros(tiny_lm.config.vocab_size)
    probabilities[4] = 1
    table = draw_table(tiny_lm.tokenizer, probabilities, draws(probabilities, 10, 0), 5)
    assert table["id"].iloc[0] == 4
    assert table["count"].tolist() == [10, 0]
    assert table["probability"].tolist() == [1, 0]


@pytest.mark.parametrize(
    ("logits", "drawable"),
    [((1.0, -math.inf), True), ((1.0, math.nan), False), ((-math.inf, -math.inf), False)],
)
def test_only_numbers_can_be_drawn_from(logits, drawable):
    assert is_drawable(torch.tensor(logits)) is drawable
