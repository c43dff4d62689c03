"""The text of repeats can be foretold by looking back, and by nothing else."""

import itertools
from collections import Counter

import pytest

from gptviz.training import repeats

TEXT = repeats.text(60_000)


def foretold(text: str, distance: int) -> float:
    """How often the character that many places back is the right guess."""
    hits = sum(a == b for a, b in zip(text, text[distance:], strict=False))
    return hits / (len(text) - distance)


def test_the_same_seed_gives_the_same_text_of_the_length_asked_for():
    assert repeats.text(5000, seed=1) == repeats.text(5000, seed=1) == repeats.text(9000, 1)[:5000]
    assert repeats.text(5000, seed=1) != repeats.text(5000, seed=2)
    assert len(repeats.text(1)) == 1
    with pytest.raises(ValueError, match="0 characters"):
        repeats.text(0)


def test_what_followed_the_same_character_last_time_mostly_follows_it_again():
    last, right = {}, 0
    for before, after in itertools.pairwise(TEXT):
        right += last.get(before) == after
        last[before] = after
    assert right / len(TEXT) > 0.5


def test_no_fixed_distance_leads_back():
    assert max(foretold(TEXT, distance) for distance in range(1, 100)) < 0.15


def test_no_character_is_commoner_and_none_follows_another_more_often_than_by_chance():
    share = 1 / len(repeats.ALPHABET)
    counts = Counter(TEXT)
    assert set(counts) == set(repeats.ALPHABET)
    assert all(0.6 * share < n / len(TEXT) < 1.5 * share for n in counts.values())
    pairs = Counter(itertools.pairwise(TEXT))
    after_a = {b: n for (a, b), n in pairs.items() if a == "a"}
    assert max(after_a.values()) < 0.08 * sum(after_a.values())
