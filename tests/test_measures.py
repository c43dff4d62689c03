"""Measures beside scipy and cross-entropy, on logits that are drawn at random."""

import math

import pytest
import torch
from scipy.special import softmax
from scipy.stats import entropy

from gptviz import measures

LOGITS = torch.randn(5, 40, generator=torch.Generator().manual_seed(0)) * 3
IDS = [3, 7, 7, 39, 0]


def test_kl_is_that_of_scipy_and_zero_for_the_same():
    p, q = (softmax(LOGITS[row].double().numpy()) for row in (0, -1))
    assert measures.kl(LOGITS[0]).of(LOGITS) == pytest.approx(entropy(p, q))
    assert measures.kl(LOGITS[-1]).of(LOGITS) == 0


def test_kl_counts_a_token_without_any_chance_as_nothing():
    p, q = LOGITS[0].clone(), LOGITS[1]
    p[3] = -math.inf
    before, after = (softmax(x.double().numpy()) for x in (p, q))
    assert measures.kl(p).of(q[None]) == pytest.approx(entropy(before, after))


def test_surprisal_is_the_cross_entropy_of_each_token():
    found = measures.surprisal(LOGITS, IDS)
    assert found[0].isnan()
    target = torch.tensor(IDS[1:])
    expected = torch.nn.functional.cross_entropy(LOGITS[:-1], target, reduction="none")
    torch.testing.assert_close(found[1:], expected)
    assert float(measures.loss(IDS).of(LOGITS)) == pytest.approx(float(expected.mean()))


def test_long_texts_are_measured_in_pieces_with_the_same_numbers():
    logits = torch.randn(100, 11, generator=torch.Generator().manual_seed(1))
    ids = torch.randint(11, (100,), generator=torch.Generator().manual_seed(2)).tolist()
    expected = torch.nn.functional.cross_entropy(logits[:-1], torch.tensor(ids[1:]))
    assert float(measures.loss(ids).of(logits)) == pytest.approx(float(expected))


def test_a_difference_of_logits_and_a_probability_are_read_at_the_last_position():
    assert measures.logit_difference(4, 9).of(LOGITS) == LOGITS[-1, 4] - LOGITS[-1, 9]
    p = softmax(LOGITS[-1].numpy())
    assert float(measures.probability(4).of(LOGITS)) == pytest.approx(p[4])


@pytest.mark.parametrize("place", [0, 1])
def test_a_divergence_of_what_is_no_number_is_none(place):
    logits = [torch.tensor([1.0, 2.0]), torch.tensor([2.0, 1.0])]
    logits[place][0] = torch.nan
    assert math.isnan(measures.kl_divergence(*logits))
