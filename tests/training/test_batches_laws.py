"""What a step reads: repeated passages say what can be known, and samples stand for the whole."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from gptviz.model import GPTConfig
from gptviz.training.batches import UNKNOWABLE, Reader, by_frequency, repeated
from gptviz.training.config import TrainingConfig
from gptviz.training.learner import Learner
from gptviz.training.loss import cross_entropy
from gptviz.training.process_group import ALONE

law = settings(max_examples=50, deadline=None)
MODEL = GPTConfig(40, 16, 1, 2, 8, 0.0, 0.0, 0.0)


def config(**changes) -> TrainingConfig:
    settings = {"model": MODEL, "data": "text.txt", "batch_size": 8, "steps": 30}
    return TrainingConfig(**{**settings, **changes})


def text(n: int = 4000) -> np.ndarray:
    """Ids of which 0 is the commonest, then 1, and so on; the last three never occur."""
    rng = np.random.default_rng(0)
    return rng.choice(37, n, p=(w := 1 / np.arange(1, 38)) / w.sum()).astype(np.uint16)


@law
@given(
    n_tokens=st.integers(2, 50),
    T=st.integers(2, 40),
    longest=st.integers(2, 30),
    seed=st.integers(0, 99),
)
def test_a_repeated_row_says_one_passage_and_asks_for_what_can_be_known(n_tokens, T, longest, seed):
    tokens = torch.arange(100, 100 + n_tokens)
    inputs, targets = repeated(tokens, 3, T, longest, torch.Generator().manual_seed(seed))
    assert inputs.shape == targets.shape == (3, T)
    for x, y in zip(inputs.tolist(), targets.tolist(), strict=True):
        assert set(x) <= set(tokens.tolist())
        period = x.index(x[0], 1) if x[0] in x[1:] else T
        assert len(set(x[:period])) == period <= max(2, longest)
        assert x == (x[:period] * T)[:T]
        for t, target in enumerate(y):
            seen_before = x[t] in x[:t]
            assert (target != UNKNOWABLE) == seen_before
            if seen_before:
                assert target == x[x.index(x[t]) + 1], "what came next last time comes next"


def test_passages_have_every_length_between_the_shortest_and_the_longest():
    inputs, _ = repeated(torch.arange(50), 300, 64, 20, torch.Generator().manual_seed(0))
    lengths = {row.index(row[0], 1) for row in inputs.tolist()}
    assert lengths == set(range(6, 21))


@law
@given(st.lists(st.integers(0, 20), min_size=1, max_size=60))
def test_tokens_are_sorted_by_how_often_the_text_has_them(ids):
    found = by_frequency(np.array(ids), 25).tolist()
    assert set(found) == set(ids)
    counts = [ids.count(token) for token in found]
    assert counts == sorted(counts, reverse=True)


def test_lessons_begin_with_few_tokens_and_end_with_all(monkeypatch):
    monkeypatch.setattr("gptviz.training.batches.FEW", 4)
    monkeypatch.setattr("gptviz.training.batches.LESSON_LENGTH", 8)
    reader = Reader(text(), config(copy_steps=24))
    sizes = []
    for step in range(24):
        batch = reader.batch(step, torch.Generator().manual_seed(step))
        assert batch.inputs.shape == (16, 8), "as many tokens as a batch of the text"
        allowed = batch.candidates.ids
        assert set(batch.inputs.flatten().tolist()) <= set(allowed.tolist())
        assert torch.equal(allowed, by_frequency(text(), 40)[: len(allowed)]), "the commonest"
        assert not batch.candidates.bias.any()
        sizes.append(len(allowed))
    assert sizes[:10] == [4] * 10
    assert sizes == sorted(sizes)
    assert sizes[-1] > 30
    assert reader.batch(24, torch.Generator().manual_seed(0)).candidates is None, "then the text"


def test_lessons_go_without_dropout_and_the_text_does_not():
    model = replace(MODEL, embd_pdrop=0.5)
    settings = config(model=model, copy_steps=2)
    reader = Reader(text(), settings)
    for step, alike in ((1, True), (2, False)):
        batch = reader.batch(step, torch.Generator().manual_seed(0))
        losses = set()
        for seed in range(3):
            learner = Learner(settings, torch.device("cpu"), torch.float32, ALONE)
            losses.add(learner.gradient([batch], seed))
        assert (len(losses) == 1) == alike


@pytest.mark.parametrize(("share", "expected"), [(0.0, 0), (0.25, 2), (0.875, 7)])
def test_a_share_of_the_windows_is_repeated(share, expected):
    reader = Reader(text(), config(repeat_share=share))
    batch = reader.batch(0, torch.Generator().manual_seed(0))
    assert batch.inputs.shape == (8, 16)
    unknowable = (batch.targets == UNKNOWABLE).any(1)
    assert unknowable.tolist() == [False] * (8 - expected) + [True] * expected
    assert batch.n_targets == int((batch.targets != UNKNOWABLE).sum())


def test_a_share_of_less_than_a_window_is_kept_on_average():
    reader = Reader(text(), config(repeat_share=0.3))
    generator = torch.Generator().manual_seed(0)
    counts = [reader.n_repeated(generator) for _ in range(2000)]
    assert set(counts) == {2, 3}
    assert np.mean(counts) == pytest.approx(0.3 * 8, abs=0.04)


def test_a_batch_of_one_window_is_now_of_the_text_and_now_repeated():
    reader = Reader(text(), config(repeat_share=0.5, batch_size=1))
    generator = torch.Generator().manual_seed(0)
    kinds = set()
    for step in range(20):
        batch = reader.batch(step, generator)
        assert batch.inputs.shape == (1, 16)
        kinds.add(bool((batch.targets == UNKNOWABLE).any()))
    assert kinds == {False, True}


@pytest.mark.parametrize("block_size", [3, 4, 5])
@pytest.mark.parametrize("changes", [{"repeat_share": 0.9}, {"copy_steps": 29}])
def test_something_can_be_known_in_the_shortest_practice(block_size, changes):
    model = replace(MODEL, block_size=block_size)
    reader = Reader(text(), config(model=model, batch_size=2, **changes))
    for step in range(20):
        assert reader.batch(step, torch.Generator().manual_seed(step)).n_targets > 0
    with pytest.raises(
        ValueError, match="block_size is 2; practising to copy needs a context of 3"
    ):
        config(model=replace(MODEL, block_size=2), **changes)


@pytest.mark.parametrize("changes", [{}, {"repeat_share": 0.5, "vocab_sample": 9}])
def test_the_same_seed_gives_the_same_batch(changes):
    reader = Reader(text(), config(**changes))
    one, other, third = (reader.batch(3, torch.Generator().manual_seed(seed)) for seed in (1, 1, 2))
    assert torch.equal(one.inputs, other.inputs)
    assert torch.equal(one.targets, other.targets)
    assert not torch.equal(one.inputs, third.inputs)


def test_a_text_of_one_token_cannot_be_practised_on():
    with pytest.raises(ValueError, match="1 different tokens; practising to copy needs 2"):
        Reader(np.zeros(100, np.uint16), config(repeat_share=0.5))


@pytest.mark.parametrize("n", [0, 40, 100])
def test_no_sample_is_taken_where_all_tokens_are_compared(n):
    batch = Reader(text(), config(vocab_sample=n)).batch(0, torch.Generator())
    assert batch.candidates is None


def test_a_sample_holds_the_commonest_and_every_target():
    reader = Reader(text(), config(vocab_sample=10, batch_size=1))
    for seed in range(20):
        batch = reader.batch(0, torch.Generator().manual_seed(seed))
        ids = batch.candidates.ids.tolist()
        assert len(set(ids)) == len(ids)
        assert set(by_frequency(text(), 40)[:5].tolist()) | set(
            batch.targets.flatten().tolist()
        ) <= set(ids)
        drawn = batch.candidates.bias > 0
        assert int(drawn.sum()) == 5
        left = 40 - (len(ids) - 5)
        torch.testing.assert_close(batch.candidates.bias[drawn].exp(), torch.full((5,), left / 5))


def test_the_sum_over_a_sample_is_on_average_that_over_the_whole_vocabulary():
    scores = torch.randn(40, generator=torch.Generator().manual_seed(0)).exp()
    reader = Reader(text(), config(vocab_sample=12, batch_size=1))
    generator, targets = torch.Generator().manual_seed(0), torch.tensor([[1, 2, 30]])
    sums = []
    for _ in range(4000):
        sample = reader.candidates(targets, generator)
        sums.append(float((scores[sample.ids] * sample.bias.exp()).sum()))
    assert np.mean(sums) == pytest.approx(float(scores.sum()), rel=0.01)
    assert np.std(sums) > 0.01, "it is no constant"


@law
@given(seed=st.integers(0, 99), N=st.integers(1, 70), V=st.integers(2, 9))
def test_a_bias_and_a_divisor_count_in_the_loss_and_its_gradients(seed, N, V):
    generator = torch.Generator().manual_seed(seed)
    hidden = torch.randn(N, 4, generator=generator, requires_grad=True)
    weight = torch.randn(V, 4, generator=generator, requires_grad=True)
    bias, targets = torch.randn(V, generator=generator), torch.randint(V, (N,), generator=generator)
    expected = F.cross_entropy(hidden @ weight.T + bias, targets, reduction="sum") / 7
    found = cross_entropy(hidden, weight, targets, bias, 7)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)
    for one, other in zip(
        torch.autograd.grad(found, (hidden, weight)),
        torch.autograd.grad(expected, (hidden, weight)),
        strict=True,
    ):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)
    with torch.no_grad():
        unlearned = cross_entropy(hidden, weight, targets, bias, 7)
    torch.testing.assert_close(unlearned, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    "changes", [{"repeat_share": 0.5}, {"vocab_sample": 12}, {"copy_steps": 2, "repeat_share": 0.2}]
)
def test_the_loss_of_a_batch_is_that_of_plain_pytorch(changes):
    settings = config(**changes)
    batch = Reader(text(), settings).batch(1, torch.Generator().manual_seed(0))
    learner = Learner(settings, torch.device("cpu"), torch.float32, ALONE)
    found = learner.gradient([batch], seed=0)
    logits = learner.model(batch.inputs).flatten(0, 1)
    if batch.candidates is not None:
        allowed = torch.full((40,), -math.inf)
        allowed[batch.candidates.ids] = batch.candidates.bias
        logits = logits + allowed
    expected = F.cross_entropy(logits, batch.targets.flatten())  # which leaves out -100
    assert found == pytest.approx(float(expected.detach()), abs=1e-5)
    gradients = torch.autograd.grad(expected, list(learner.model.parameters()))
    for parameter, gradient in zip(learner.model.parameters(), gradients, strict=True):
        torch.testing.assert_close(parameter.grad, gradient, rtol=1e-4, atol=1e-6)
