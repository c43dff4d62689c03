"""Losses of guesses that only count, beside counting with Python's own dictionaries."""

import itertools
import math
from collections import Counter, defaultdict
from pathlib import Path

import numpy as np
import pytest

from gptviz.runs import Run
from gptviz.training.baselines import baselines

V = 5


def counted(train: list[int], held_out: list[int]) -> dict[str, float]:
    """The same as its definition says, token by token."""
    counts, followers = Counter(train), defaultdict(Counter)
    for a, b in itertools.pairwise(train):
        followers[a][b] += 1

    def unigram(b: int) -> float:
        return (counts[b] + 1) / (len(train) + V)

    def bigram(a: int, b: int) -> float:
        found = followers[a]
        kinds = len(found)
        if not kinds:
            return unigram(b)
        return (found[b] + kinds * unigram(b)) / (found.total() + kinds)

    pairs = list(itertools.pairwise(held_out))
    return {
        "uniform": math.log(V),
        "unigram": -sum(math.log(unigram(b)) for _, b in pairs) / len(pairs),
        "bigram": -sum(math.log(bigram(a, b)) for a, b in pairs) / len(pairs),
    }


@pytest.mark.parametrize("seed", range(5))
def test_the_losses_are_those_of_counting(seed: int):
    drawn = np.random.default_rng(seed)
    train = drawn.integers(V - 1, size=60).tolist()  # one token is never seen
    held_out = drawn.integers(V, size=20).tolist()
    found = baselines(np.array(train, np.uint8), np.array(held_out, np.uint8), V)
    assert found == pytest.approx(counted(train, held_out))


def test_the_probabilities_of_what_may_follow_sum_to_one():
    train = np.array([0, 1, 2, 1, 0, 3, 3, 1], np.uint8)
    for before in range(V):
        losses = [baselines(train, np.array([before, after], np.uint8), V) for after in range(V)]
        for name in ("uniform", "unigram", "bigram"):
            assert sum(math.exp(-loss[name]) for loss in losses) == pytest.approx(1)


def test_a_run_says_what_counting_alone_would_reach(finished_run: Path):
    told = Run(finished_run).status["baselines"]
    assert told["uniform"] == pytest.approx(math.log(Run(finished_run).config.model.vocab_size))
    assert told["uniform"] > told["unigram"] > told["bigram"] > 0
