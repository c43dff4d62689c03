"""Pictures of the residual stream: fixed scales, signs, labels."""

import numpy as np
import pytest

from gptviz.subjects.residual import figures


def test_a_token_s_way_has_fixed_scales_whatever_its_numbers():
    for p in (0.001, 0.9):
        drawn = figures.way_of_token(np.array([50, 1]), np.array([p, p]), ["a", "b"], 100, "light")
        assert drawn.layout.yaxis.range == (0, 1)
        low, high = drawn.layout.yaxis2.range
        assert low > 2 > 0 > high, "rank 1 on top, the last rank at the bottom"


def test_bars_for_and_against_differ_in_colour_and_zero_is_in_the_middle():
    drawn = figures.part_bars(np.array([2.0, -1.0]), ["L0 MLP", "L0 H1"], "light")
    low, high = drawn.layout.yaxis.range
    assert low == -high
    assert high > 2
    up, down = drawn.data[0].marker.color
    assert up != down


def test_many_parts_make_a_wide_picture_that_scrolls():
    names = [f"L0 H{i}" for i in range(100)]
    assert figures.part_bars(np.zeros(100), names, "dark").layout.width > 2000


def test_cosines_have_one_scale():
    drawn = figures.added_directions({"one": np.array([0.1, 0.2])}, "light")
    assert drawn.layout.yaxis.range == (-1.05, 1.05)
    assert list(drawn.data[0].x) == ["L0", "L1"]


def test_what_attention_and_the_mlp_add_stand_side_by_side():
    drawn = figures.added_lengths(
        {"attention": np.array([1.0, 2.0]), "MLP": np.array([3.0, 4.0])}, "light"
    )
    assert [bars.name for bars in drawn.data] == ["attention", "MLP"]
    assert [list(bars.y) for bars in drawn.data] == [[1, 2], [3, 4]]


@pytest.mark.parametrize(
    "draw",
    [
        lambda: figures.part_bars(np.zeros(2), ["one"], "light"),
        lambda: figures.way_of_token(np.ones(2), np.ones(2), ["one"], 9, "light"),
        lambda: figures.added_lengths({"attention": np.ones(2), "MLP": np.ones(1)}, "light"),
    ],
)
def test_a_label_for_each_number_or_none(draw):
    with pytest.raises(ValueError, match="labels came for"):
        draw()
