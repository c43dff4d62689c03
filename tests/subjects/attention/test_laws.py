import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gptviz.subjects.attention import analysis as attention

law = settings(max_examples=60, deadline=None)


@st.composite
def causal_patterns(draw):
    """Two heads of random patterns, from even to nearly all on one token, and ids that repeat."""
    T = draw(st.integers(1, 9))
    sharpness = draw(st.sampled_from([0.0, 1.0, 10.0, 60.0]))
    generator = torch.Generator().manual_seed(draw(st.integers(0, 10_000)))
    scores = sharpness * torch.randn(2, T, T, generator=generator)
    visible = torch.ones(T, T, dtype=torch.bool).tril()
    pattern = scores.masked_fill(~visible, -math.inf).softmax(-1)
    return pattern, draw(st.lists(st.integers(0, 3), min_size=T, max_size=T))


def mean(values: list[float]) -> float:
    return float(np.mean(values)) if values else math.nan


@law
@given(case=causal_patterns())
def test_relative_measures_lie_between_0_and_1(case):
    pattern, ids = case
    for rows in (
        attention.normalised_entropy(pattern),
        attention.to_previous(pattern),
        attention.to_first(pattern),
        attention.induction(pattern, ids),
    ):
        assert rows.shape == pattern.shape[:-1]
        known = rows[~rows.isnan()]
        assert ((known >= 0) & (known <= 1 + 1e-5)).all()


@law
@given(case=causal_patterns())
def test_entropy_never_exceeds_the_logarithm_of_the_visible_tokens(case):
    pattern, _ = case
    T = pattern.size(-1)
    assert (attention.entropy(pattern) <= torch.arange(1, T + 1).log() + 1e-5).all()
    assert (attention.entropy(pattern) >= 0).all()


@law
@given(case=causal_patterns())
def test_measures_agree_with_a_plain_loop(case):
    pattern, _ = case
    for head in range(2):
        A = pattern[head].double().numpy()
        T = len(A)
        expected = {
            attention.to_previous: mean([A[i, i - 1] for i in range(1, T)]),
            attention.to_first: mean([A[i, 0] for i in range(1, T)]),
            attention.normalised_entropy: mean(
                [
                    -sum(p * math.log(p) for p in A[i] if p > 0) / math.log(i + 1)
                    for i in range(1, T)
                ]
            ),
        }
        for measure, value in expected.items():
            measured = attention.per_head(measure(pattern[head]))
            assert float(measured) == pytest.approx(value, abs=1e-4, nan_ok=True)


@law
@given(case=causal_patterns())
def test_induction_agrees_with_a_plain_loop(case):
    pattern, ids = case
    scores = []
    for i in range(len(ids)):
        after = [k for k in range(1, i) if ids[k - 1] == ids[i]]
        if after:
            scores.append(sum(float(pattern[0, i, k]) for k in after))
    measured = attention.per_head(attention.induction(pattern[0], ids))
    assert float(measured) == pytest.approx(mean(scores), abs=1e-5, nan_ok=True)


@law
@given(case=causal_patterns())
def test_without_the_first_token_rows_sum_to_1_and_keep_their_proportions(case):
    pattern, _ = case
    hidden = attention.without_first(pattern)
    left = pattern[..., 1:].sum(-1)
    blank = hidden.isnan().any(-1)
    assert torch.equal(blank, left == 0)
    torch.testing.assert_close(hidden.sum(-1)[~blank], torch.ones(int((~blank).sum())))
    assert (hidden[..., 0][~blank] == 0).all()
    restored = hidden[..., 1:] * left.unsqueeze(-1)
    torch.testing.assert_close(restored[~blank], pattern[..., 1:][~blank])


@law
@given(case=causal_patterns(), longest=st.integers(1, 12))
def test_shrinking_loses_no_strong_weight(case, longest):
    pattern, _ = case
    small, side = attention.shrunk(pattern, longest)
    assert small.size(-1) == -(-pattern.size(-1) // side) <= longest
    for i in range(pattern.size(-1)):
        for j in range(pattern.size(-1)):
            assert (small[:, i // side, j // side] >= pattern[:, i, j]).all()
    assert (small.amax((-2, -1)) == pattern.amax((-2, -1))).all()
