"""Each stage of sampling does what its definition says, and says what it removed."""

import math

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from transformers import (
    LogitsProcessorList,
    MinPLogitsWarper,
    NoRepeatNGramLogitsProcessor,
    RepetitionPenaltyLogitsProcessor,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
    TypicalLogitsWarper,
)

from gptviz.sampling import (
    SamplingSettings,
    draw,
    forbid_ngrams,
    keep_min_p,
    keep_top_k,
    keep_top_p,
    keep_typical,
    penalise_repetition,
    stages,
)

law = settings(max_examples=80, deadline=None)

NAMES = [
    *("repetition_penalty", "no_repeat_ngram_size", "temperature", "top_k", "top_p"),
    *("min_p", "typical_p"),
]

# Quarters make ties likely; the spread reaches from almost even to almost certain.
numbers = st.integers(-80, 80).map(lambda n: n / 4)
some_logits = st.lists(numbers, min_size=1, max_size=30).map(torch.tensor)
some_settings = st.builds(
    SamplingSettings,
    temperature=st.sampled_from([0.0, 0.3, 0.8, 1.0, 1.7]),
    top_k=st.one_of(st.none(), st.integers(1, 40)),
    top_p=st.sampled_from([0.05, 0.5, 0.9, 1.0]),
    repetition_penalty=st.sampled_from([0.7, 1.0, 1.3]),
)


def tensor(*values: float) -> torch.Tensor:
    return torch.tensor(values)


def logits_of(*probabilities: float) -> torch.Tensor:
    return torch.tensor(probabilities, dtype=torch.float64).log()


def kept(logits: torch.Tensor) -> list[int]:
    return (~logits.isneginf()).nonzero().flatten().tolist()


def softmax(x: np.ndarray) -> np.ndarray:
    powers = np.exp(x - x.max())
    return powers / powers.sum()


def seen_in(logits: torch.Tensor):
    return st.lists(st.integers(0, len(logits) - 1), max_size=10)


def plain(logits: np.ndarray, seen: list[int], s: SamplingSettings) -> np.ndarray:
    """The distribution to draw from, one token at a time and in double precision."""
    V = len(logits)
    scores = [float(x) for x in logits]
    for i in set(seen):
        scores[i] *= s.repetition_penalty if scores[i] < 0 else 1 / s.repetition_penalty
    if s.temperature == 0:
        return np.eye(V)[int(np.argmax(scores))]
    scores = [x / s.temperature for x in scores]
    order = sorted(range(V), key=lambda i: -scores[i])  # of equals the first comes first
    alive = set(range(V))
    if s.top_k is not None and s.top_k < V:
        alive = {i for i in alive if scores[i] >= scores[order[s.top_k - 1]]}
    if s.top_p < 1:
        probabilities = softmax(np.array([scores[i] if i in alive else -math.inf for i in order]))
        nucleus, total = set(), 0.0
        for i, p in zip(order, probabilities, strict=True):
            if i in alive and (not nucleus or total < s.top_p):
                nucleus.add(i)
            total += p
            # A sum that meets top_p but for rounding may fall on either side.
            assume(abs(total - s.top_p) > 1e-4)
        alive = nucleus
    return softmax(np.array([scores[i] if i in alive else -math.inf for i in range(V)]))


@law
@given(logits=some_logits, s=some_settings, data=st.data())
def test_all_stages_together_give_the_distribution_of_a_plain_loop(logits, s, data):
    seen = data.draw(seen_in(logits))
    # What is equal in floats must be equal in doubles too, or ties are cut elsewhere.
    logits = logits.double()
    last = stages(logits, seen, s)[-1]
    np.testing.assert_allclose(
        last.probabilities.numpy(), plain(logits.numpy(), seen, s), rtol=1e-6, atol=1e-9
    )


@law
@given(logits=some_logits, s=some_settings, data=st.data())
def test_each_token_is_removed_by_one_stage_or_kept(logits, s, data):
    result = stages(logits, data.draw(seen_in(logits)), s)
    assert [stage.name for stage in result] == NAMES
    removed = torch.stack([stage.removed for stage in result])
    survivors = ~result[-1].logits.isneginf()
    assert torch.equal(removed.sum(0) + survivors, torch.ones(len(logits), dtype=torch.long))
    assert survivors.any()
    for stage in result:
        assert stage.logits.shape == logits.shape
        assert (stage.probabilities[stage.removed] == 0).all()
        assert stage.probabilities.sum().item() == pytest.approx(1, abs=1e-5)


@law
@given(logits=some_logits, s=some_settings, data=st.data())
def test_no_stage_changes_what_it_was_given(logits, s, data):
    before = logits.clone()
    result = stages(logits, data.draw(seen_in(logits)), s)
    values = [stage.logits.clone() for stage in result]
    assert torch.equal(logits, before)
    assert all(
        torch.equal(stage.logits, value) for stage, value in zip(result, values, strict=True)
    )


@law
@given(logits=some_logits, data=st.data())
def test_what_is_off_changes_nothing(logits, data):
    seen = data.draw(seen_in(logits))
    for stage in stages(logits, seen, SamplingSettings()):
        assert torch.equal(stage.logits, logits)
        assert not stage.removed.any()


@law
@given(logits=some_logits, data=st.data(), penalty=st.sampled_from([1.1, 2.0, 5.0]))
def test_a_penalty_makes_seen_tokens_less_likely_and_touches_no_other(logits, data, penalty):
    seen = data.draw(seen_in(logits))
    changed = penalise_repetition(logits, seen, penalty)
    for i, (before, after) in enumerate(zip(logits, changed, strict=True)):
        if i not in seen:
            assert after == before
        elif before == 0:
            assert after == 0
        else:
            assert after < before


def test_a_penalty_divides_positive_logits_and_multiplies_negative_ones():
    changed = penalise_repetition(tensor(3.0, -3.0, 3.0, -3.0), [0, 1, 0], 1.5)
    assert changed.tolist() == [2.0, -4.5, 3.0, -3.0]


def test_a_token_seen_twice_is_penalised_once():
    assert penalise_repetition(tensor(4.0, 1.0), [0, 0, 0], 2.0).tolist() == [2.0, 1.0]


def test_nothing_seen_is_nothing_penalised():
    assert penalise_repetition(tensor(4.0, 1.0), [], 2.0).tolist() == [4.0, 1.0]


@pytest.mark.parametrize(
    ("logits", "best"),
    [((0.0, 2.0, 1.0), 1), ((2.0, 2.0, 2.0), 0), ((-5.0, -1.0, -1.0), 1), ((7.0,), 0)],
)
def test_temperature_0_leaves_the_likeliest_token_and_of_equals_the_first(logits, best):
    stage = stages(tensor(*logits), [], SamplingSettings(temperature=0))[2]
    assert kept(stage.logits) == [best]
    assert stage.logits[best] == logits[best]
    assert stage.removed.tolist() == [i != best for i in range(len(logits))]
    assert stage.probabilities[best] == 1


@law
@given(logits=some_logits, k=st.integers(1, 40))
def test_top_k_keeps_the_k_likeliest_and_what_ties_with_the_last(logits, k):
    result = kept(keep_top_k(logits, k))
    worst = sorted(logits.tolist(), reverse=True)[min(k, len(logits)) - 1]
    assert result == [i for i, x in enumerate(logits.tolist()) if x >= worst]
    assert len(result) >= min(k, len(logits))


@pytest.mark.parametrize(
    ("logits", "k", "expected"),
    [
        ((1.0, 3.0, 2.0), 1, [1]),
        ((1.0, 3.0, 2.0), 2, [1, 2]),
        ((1.0, 3.0, 2.0), 3, [0, 1, 2]),
        ((1.0, 3.0, 2.0), 4, [0, 1, 2]),
        ((2.0, 2.0, 1.0, 2.0), 2, [0, 1, 3]),
        ((-math.inf, 1.0, -math.inf), 2, [1]),
    ],
)
def test_top_k_at_its_borders(logits, k, expected):
    assert kept(keep_top_k(tensor(*logits), k)) == expected


@law
@given(logits=some_logits, p=st.floats(0.01, 1))
def test_top_p_keeps_the_fewest_tokens_that_reach_p(logits, p):
    probabilities = logits.double().softmax(-1)
    result = kept(keep_top_p(logits, p))
    share = probabilities[result]
    assert share.sum() >= p - 1e-5
    assert p == 1 or share.sum() - share.min() < p + 1e-5, "one fewer would do"
    dropped = [i for i in range(len(logits)) if i not in result]
    assert not dropped or probabilities[dropped].max() <= share.min()


@pytest.mark.parametrize(
    ("probabilities", "p", "expected"),
    [
        ((0.125, 0.5, 0.25, 0.125), 0.4, [1]),
        ((0.125, 0.5, 0.25, 0.125), 0.5, [1]),
        ((0.125, 0.5, 0.25, 0.125), 0.51, [1, 2]),
        ((0.125, 0.5, 0.25, 0.125), 0.75, [1, 2]),
        ((0.125, 0.5, 0.25, 0.125), 0.76, [0, 1, 2]),
        ((0.125, 0.5, 0.25, 0.125), 1.0, [0, 1, 2, 3]),
        ((0.125, 0.5, 0.25, 0.125), 1e-9, [1]),
        ((0.25, 0.25, 0.25, 0.25), 0.5, [0, 1]),
        ((0.0, 0.5, 0.0, 0.5), 0.5, [1]),
        ((0.0, 0.5, 0.0, 0.5), 0.9, [1, 3]),
        ((0.0, 1.0), 0.9, [1]),
    ],
)
def test_top_p_at_its_borders(probabilities, p, expected):
    assert kept(keep_top_p(logits_of(*probabilities), p)) == expected


@pytest.mark.parametrize("scale", [0.0, 0.01, 1.0, 4.0])
@pytest.mark.parametrize("p", [0.05, 0.5, 0.9, 0.999])
def test_top_p_of_a_large_vocabulary_keeps_what_putting_all_in_order_keeps(scale, p):
    logits = scale * torch.randn(50257, generator=torch.Generator().manual_seed(0)).round(
        decimals=1
    )
    logits[::7] = -math.inf
    order = logits.argsort(descending=True, stable=True)
    before = logits.double().softmax(-1)[order].cumsum(-1).roll(1)
    before[0] = 0
    assert kept(keep_top_p(logits, p)) == sorted(order[before < p].tolist())


def test_top_p_counts_only_what_top_k_left():
    s = SamplingSettings(top_k=2, top_p=0.6)
    # Of 0.3 and 0.25 alone, the first is 0.55 of the whole: not enough. Of all, it would be 0.3.
    result = stages(logits_of(0.3, 0.25, 0.24, 0.21), [], s)
    assert kept(result[-1].logits) == [0, 1]
    assert result[3].removed.tolist() == [False, False, True, True]
    assert not result[4].removed.any()
    result = stages(logits_of(0.3, 0.25, 0.24, 0.21), [], SamplingSettings(top_k=2, top_p=0.5))
    assert kept(result[-1].logits) == [0]


def test_the_order_is_penalty_then_temperature_then_top_k_then_top_p():
    logits = tensor(4.0, 3.0, 2.0, 1.0)
    s = SamplingSettings(temperature=0.5, top_k=2, top_p=0.7, repetition_penalty=4.0)
    penalised, _, warmed, short, nucleus, *_ = (stage.logits for stage in stages(logits, [0], s))
    assert penalised.tolist() == [1.0, 3.0, 2.0, 1.0]
    assert warmed.tolist() == [2.0, 6.0, 4.0, 2.0]
    assert short.tolist() == [-math.inf, 6.0, 4.0, -math.inf]
    assert nucleus.tolist() == [-math.inf, 6.0, -math.inf, -math.inf]


@law
@given(
    seed=st.integers(0, 10_000),
    V=st.integers(1, 200),
    s=some_settings.filter(lambda s: s.temperature > 0),
)
def test_every_stage_equals_that_of_transformers(seed, V, s):
    generator = torch.Generator().manual_seed(seed)
    logits = 4 * torch.randn(V, generator=generator)
    seen = torch.randint(V, (5,), generator=generator)
    expected = logits.unsqueeze(0)
    processors = [
        RepetitionPenaltyLogitsProcessor(s.repetition_penalty),
        LogitsProcessorList(),
        TemperatureLogitsWarper(s.temperature),
        TopKLogitsWarper(s.top_k or V),
        TopPLogitsWarper(s.top_p),
    ]
    for stage, theirs in zip(stages(logits, seen.tolist(), s), processors, strict=False):
        expected = theirs(seen.unsqueeze(0), expected)
        torch.testing.assert_close(stage.logits, expected[0])


@pytest.mark.parametrize("V", [7, 300, 50257])
@pytest.mark.parametrize("p", [0.02, 0.1, 0.5, 1.0])
def test_min_p_and_typical_keep_what_transformers_keeps(V, p):
    ids = torch.tensor([[0]])
    for seed in range(3):
        logits = 3 * torch.randn(V, generator=torch.Generator().manual_seed(seed))
        expected = MinPLogitsWarper(p)(ids, logits[None])[0]
        torch.testing.assert_close(keep_min_p(logits, p), expected)
        mass = min(p, 0.97)
        theirs = TypicalLogitsWarper(mass)(ids, logits[None].double())[0].float()
        torch.testing.assert_close(keep_typical(logits, mass), theirs)


@pytest.mark.parametrize("size", range(1, 6))
def test_the_ngrams_that_may_not_come_again_are_those_of_transformers(size):
    generator = torch.Generator().manual_seed(size)
    logits = torch.randn(5, generator=generator)
    for length in range(1, 9):
        for seen in torch.randint(4, (20, length), generator=generator).tolist():
            expected = NoRepeatNGramLogitsProcessor(size)(torch.tensor([seen]), logits[None])[0]
            torch.testing.assert_close(forbid_ngrams(logits, seen, size), expected)


def test_all_rules_together_leave_what_those_of_transformers_leave():
    s = SamplingSettings(1.4, 60, 0.95, 1.3, 0.05, 0.6, 2)
    seen = [3, 1, 4, 1, 5, 9, 2, 6, 1]
    chain = LogitsProcessorList(
        [
            RepetitionPenaltyLogitsProcessor(s.repetition_penalty),
            NoRepeatNGramLogitsProcessor(s.no_repeat_ngram_size),
            TemperatureLogitsWarper(s.temperature),
            TopKLogitsWarper(s.top_k),
            TopPLogitsWarper(s.top_p),
            MinPLogitsWarper(s.min_p),
            TypicalLogitsWarper(s.typical_p),
        ]
    )
    did: set[str] = set()
    for seed in range(20):
        logits = 2 * torch.randn(200, generator=torch.Generator().manual_seed(seed))
        found = stages(logits, seen, s)
        torch.testing.assert_close(found[-1].logits, chain(torch.tensor([seen]), logits[None])[0])
        assert found[1].removed.nonzero().flatten().tolist() == [4, 5]
        did |= {stage.name for stage in found if stage.removed.any()}
    assert did == {*NAMES} - {"repetition_penalty", "temperature"}


def test_typical_sampling_may_remove_the_likeliest_token_and_ties_stay():
    # 1.50 nats are to be expected; the surprise of 0.4 is 0.92, of each of the four others 1.90.
    logits = logits_of(0.4, 0.15, 0.15, 0.15, 0.15)
    assert kept(keep_typical(logits, 0.1)) == kept(keep_typical(logits, 0.5)) == [1, 2, 3, 4]
    assert kept(keep_typical(logits, 0.7)) == [0, 1, 2, 3, 4]
    assert kept(keep_typical(torch.zeros(4), 0.3)) == [0, 1, 2, 3]


def test_where_ngrams_leave_nothing_the_rule_steps_aside():
    logits = tensor(1.0, 2.0, 3.0)
    assert torch.equal(forbid_ngrams(logits, [0, 1, 2], 1), logits)
    assert kept(forbid_ngrams(logits, [0, 1], 1)) == [2]
    assert forbid_ngrams(logits, [0, 1], 0) is logits


@pytest.mark.parametrize(
    "s",
    [
        SamplingSettings(),
        SamplingSettings(temperature=0.7, top_k=4),
        SamplingSettings(top_p=0.8, repetition_penalty=1.5),
    ],
)
def test_tokens_are_drawn_as_often_as_their_probabilities_say(s):
    logits = tensor(2.0, 1.5, 1.0, 0.0, -1.0, -2.0)
    probabilities = stages(logits, [0], s)[-1].probabilities
    generator = torch.Generator().manual_seed(0)
    n = 4000
    counts = torch.zeros(len(logits))
    for _ in range(n):
        counts[draw(probabilities, generator)] += 1
    # Five standard deviations of a binomial count: once in two million, and the seed is fixed.
    margin = 5 * (n * probabilities * (1 - probabilities)).sqrt()
    assert ((counts - n * probabilities).abs() <= margin).all()
    assert (counts[probabilities == 0] == 0).all()


def test_what_has_no_probability_is_never_drawn():
    generator = torch.Generator().manual_seed(0)
    drawn = {draw(tensor(0, 0.5, 0, 0.5, 0), generator) for _ in range(500)}
    assert drawn == {1, 3}


def test_a_draw_depends_on_its_generator_alone():
    probabilities = torch.full((1000,), 1 / 1000)

    def draws(seed: int) -> list[int]:
        generator = torch.Generator().manual_seed(seed)
        return [draw(probabilities, generator) for _ in range(5)]

    state = torch.get_rng_state()
    first = draws(1)
    torch.rand(3)  # someone else's randomness
    assert draws(1) == first
    assert draws(2) != first
    torch.set_rng_state(state)
    draws(3)
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize("logits", [(math.nan, 1.0), (math.inf, 1.0), (-math.inf, -math.inf)])
def test_what_is_no_distribution_is_not_drawn_from(logits):
    with pytest.raises(ValueError, match="the probabilities of the next token are not numbers"):
        draw(tensor(*logits).softmax(-1), torch.Generator())


def test_logits_that_a_temperature_made_infinite_pass_every_stage_and_are_not_drawn_from():
    coldest = SamplingSettings(temperature=1e-38, top_k=2, top_p=0.9)
    last = stages(tensor(-100.0, -90.0, -80.0), [], coldest)[-1]
    with pytest.raises(ValueError, match="choose a temperature and a repetition_penalty nearer"):
        draw(last.probabilities, torch.Generator())


@pytest.mark.parametrize(
    ("nonsense", "words"),
    [
        ({"temperature": -0.1}, "temperature is -0.1; it must be 0 or above"),
        ({"temperature": math.nan}, "temperature is nan; it must be 0 or above"),
        ({"temperature": math.inf}, "temperature is inf; it must be 0 or above"),
        ({"top_k": 0}, "top_k is 0; it must be 1 or more, or None for all"),
        ({"top_k": -3}, "top_k is -3; it must be 1 or more, or None for all"),
        ({"top_k": 2.5}, "top_k is 2.5; it must be 1 or more, or None for all"),
        ({"top_p": 0.0}, "top_p is 0.0; it must be above 0 and at most 1"),
        ({"top_p": 1.01}, "top_p is 1.01; it must be above 0 and at most 1"),
        ({"top_p": math.nan}, "top_p is nan; it must be above 0 and at most 1"),
        ({"repetition_penalty": 0.0}, "repetition_penalty is 0.0; it must be above 0 (1 is off)"),
        ({"repetition_penalty": math.inf}, "repetition_penalty is inf; it must be above 0"),
        ({"repetition_penalty": math.nan}, "repetition_penalty is nan; it must be above 0"),
        ({"min_p": -0.1}, "min_p is -0.1; it must lie between 0 (off) and 1"),
        ({"min_p": math.nan}, "min_p is nan; it must lie between 0 (off) and 1"),
        ({"typical_p": 0.0}, "typical_p is 0.0; it must be above 0 and at most 1"),
        ({"no_repeat_ngram_size": -1}, "no_repeat_ngram_size is -1; it must be a number of tokens"),
        ({"no_repeat_ngram_size": 2.5}, "no_repeat_ngram_size is 2.5; it must be a number of"),
    ],
)
def test_settings_that_mean_nothing_are_refused_in_words(nonsense, words):
    with pytest.raises(ValueError) as error:  # noqa: PT011 - the message is compared
        SamplingSettings(**nonsense)
    assert words in str(error.value)
