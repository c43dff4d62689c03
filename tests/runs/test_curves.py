"""A loss made ready for a chart."""

import numpy as np
import pytest

from gptviz.runs import curves
from gptviz.training.record.metrics import COLUMNS, PARTS, History


def test_thinning_keeps_first_last_and_a_spike():
    x = np.arange(10_000)
    y = np.exp(-x / 3000)
    y[4321], y[7000] = 50.0, -50.0
    thin_x, thin_y = curves.thin(x, y)
    assert len(thin_x) <= 300
    assert thin_x[0] == 0
    assert thin_x[-1] == 9999
    assert {4321, 7000} <= set(thin_x.tolist())
    assert np.array_equal(thin_y, y[thin_x])
    assert (np.diff(thin_x) > 0).all()


@pytest.mark.parametrize("n", [4, 5, 7, 300])
@pytest.mark.parametrize("points", [0, 1, 2, 3, 299, 300, 301, 302, 5000])
def test_thinning_never_gives_more_points_than_asked_for(n, points):
    x = np.arange(points)
    thin_x, _ = curves.thin(x, np.sin(x), n)
    assert len(thin_x) <= n
    assert points <= n or {0, points - 1} <= set(thin_x.tolist())


def test_thinning_leaves_out_what_is_no_number():
    x, y = curves.thin(np.arange(4), np.array([1.0, np.nan, np.inf, 2.0]))
    assert (x.tolist(), y.tolist()) == ([0, 3], [1.0, 2.0])


def test_smoothing_leaves_a_constant_as_it_is_from_the_first_value_on():
    assert curves.smooth(np.full(50, 3.0), 0.9) == pytest.approx(np.full(50, 3.0))


def test_a_smoothed_value_weighs_each_one_before_it_by_a_constant_factor():
    y, weight = np.array([4.0, 1.0, 7.0]), 0.5
    assert curves.smooth(y, weight)[2] == pytest.approx((0.25 * 4 + 0.5 * 1 + 7) / 1.75)
    assert curves.smooth(y, 0.0) == pytest.approx(y)


def test_smoothing_passes_over_what_is_no_number():
    smoothed = curves.smooth(np.array([np.nan, 2.0, np.nan, 2.0]), 0.9)
    assert np.isnan(smoothed[0])
    assert smoothed[1:] == pytest.approx([2.0, 2.0, 2.0])


@pytest.mark.parametrize("weight", [-0.1, 1.0, float("nan")])
def test_a_weight_that_is_no_share_is_refused(weight):
    with pytest.raises(ValueError, match=r"it must be in \[0, 1\)"):
        curves.smooth(np.ones(3), weight)


def test_a_loss_reads_as_bits_a_byte():
    # Two bits a byte, and four bytes a token: 8 bits, or one of 256 equally likely tokens.
    assert curves.bits_per_byte(float(np.log(256)), 4.0) == pytest.approx(2.0)


def test_speed_counts_all_that_is_done_between_steps():
    columns = {name: np.full(6, np.nan) for name in (*COLUMNS, *PARTS)}
    columns["step"] = np.arange(1.0, 7.0)
    columns["seconds"] = np.array([1.0, 2.0, 3.0, 13.0, 14.0, 15.0])  # a validation of 9 s
    course = History(columns)
    found = curves.speed(course, 100, 2)
    assert np.isnan(found[0])
    assert found[1:].tolist() == pytest.approx([100, 100, 200 / 11, 200 / 11, 100])
    assert curves.speed(course, 100, 50)[-1] == pytest.approx(500 / 14)


def test_bits_a_byte_of_an_older_run_are_by_its_whole_text():
    assert curves.val_bytes_per_token({"bytes_per_token": 2.0}) == 2.0
    new = {"train_bytes_per_token": 2.5, "val_bytes_per_token": 3.0}
    assert curves.train_bytes_per_token(new) == 2.5
    assert curves.val_bytes_per_token(new) == 3.0
    assert curves.val_bytes_per_token({}) is None
