"""Steps of snapshots are spread evenly on a log scale, and stay so when some have to go."""

import itertools
import math

from hypothesis import given, settings
from hypothesis import strategies as st

from gptviz.training.record.snapshots import snapshot_steps, surplus

law = settings(max_examples=200, deadline=None)
any_steps = st.integers(1, 200_000)
any_number = st.integers(2, 100)


@law
@given(steps=any_steps, n=any_number)
def test_snapshots_are_as_many_as_asked_for_from_the_first_step_to_the_last(steps, n):
    chosen = snapshot_steps(steps, n)
    assert len(chosen) == min(n, steps + 1)
    assert (chosen[0], chosen[-1]) == (0, steps)
    assert all(a < b for a, b in itertools.pairwise(chosen))


@law
@given(steps=any_steps, n=st.integers(3, 100))
def test_each_snapshot_is_the_same_factor_later_than_the_one_before(steps, n):
    chosen = snapshot_steps(steps, n)
    for i in range(2, len(chosen)):
        before, left = chosen[i - 1], len(chosen) - i
        factor = (steps / before) ** (1 / left)  # by which the way to the end is even from here
        # Steps are whole numbers: where the factor is small against them, they follow each other.
        assert chosen[i] == before + 1 or abs(chosen[i] - factor * before) <= 0.5


def test_twelve_snapshots_of_1024_steps_double_each_time():
    assert snapshot_steps(1024, 12) == [0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024]


def test_one_snapshot_is_that_of_the_end_and_none_is_none():
    assert snapshot_steps(50, 1) == [50]
    assert snapshot_steps(50, 0) == []


@law
@given(kept=st.sets(st.integers(0, 100_000), min_size=2, max_size=60), n=st.integers(0, 60))
def test_of_too_many_snapshots_the_ends_stay_and_no_more_than_needed_go(kept, n):
    going = surplus(sorted(kept), n)
    left = kept - set(going)
    assert set(going) <= kept
    assert len(left) == min(n, len(kept))
    if n >= 2:
        assert {min(kept), max(kept)} <= left
    elif n == 1:
        assert left == {max(kept)}


@law
@given(steps=st.integers(50, 200_000), n=st.integers(4, 12))
def test_what_is_left_of_snapshots_is_spread_on_a_log_scale_too(steps, n):
    before = snapshot_steps(steps, 40)
    left = sorted(set(before) - set(surplus(before, n)))
    gaps = [math.log1p(b) - math.log1p(a) for a, b in itertools.pairwise(left)]
    even = math.log1p(steps) / (n - 1)
    assert max(gaps) < 2.1 * even
