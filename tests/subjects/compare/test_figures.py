"""The pictures of Compare: what is drawn is what they were given, on scales that compare."""

import numpy as np
import pandas as pd
import pytest

from gptviz.subjects.compare import figures

TABLE = pd.DataFrame(
    {
        "token": ["·a", "<b>", "·a"],
        "left": [0.07, np.nan, 0.01],
        "right": [0.02, 0.04, 0.01],
        "difference": [-0.05, 0.04, 0.0],
    }
)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_pair_of_bars_for_each_token_and_none_where_a_model_does_not_have_it(scheme):
    left, right = figures.probability_bars(TABLE, scheme).data
    assert (left.name, right.name) == ("left", "right")
    np.testing.assert_allclose(left.x, TABLE["left"].astype("float32"))
    np.testing.assert_allclose(right.x, TABLE["right"].astype("float32"))
    assert list(left.y) == [0, 1, 2], "equal labels would be merged"
    assert left.customdata[1] == "&lt;b&gt;"
    assert left.marker.color != right.marker.color


@pytest.mark.parametrize(("most", "end"), [(0.04, 0.1), (0.1, 0.1), (0.15, 0.2), (0.51, 1), (1, 1)])
def test_the_axis_of_probabilities_ends_where_they_need_it(most, end):
    table = TABLE.assign(right=[most, 0.0, 0.0], left=0.0)
    assert figures.probability_bars(table, "light").layout.xaxis.range == (0, end)


def test_cosines_have_one_scale():
    assert figures.cosine_bars(TABLE, "light").layout.xaxis.range == (-1.05, 1.05)


def test_differences_lean_to_their_side_in_its_colour():
    figure = figures.difference_bars(TABLE, "light")
    (bars,) = figure.data
    np.testing.assert_allclose(bars.x, [-0.05, 0.04, 0], atol=1e-7)
    assert list(bars.text) == ["−5.0", "+4.0", "+0.0"]
    assert bars.marker.color[0] != bars.marker.color[1]
    low, high = figure.layout.xaxis.range
    assert (low, high) == (-high, pytest.approx(0.08))
    nothing = figures.difference_bars(TABLE.assign(difference=0.0), "light")
    assert nothing.layout.xaxis.range[1] > 0


def test_patterns_and_their_difference_have_fixed_scales():
    values = np.tril(np.full((3, 3), 0.25))
    one = figures.pattern(values, ["a", "b", "c"], "left", "light")
    assert one.layout.title.text == "left"
    np.testing.assert_allclose(one.data[0].z, values)
    assert (one.data[0].zmin, one.data[0].zmax) == (0, 1)
    apart = figures.difference(-values, ["a", "b", "c"], ["a", "x", "c"], "dark")
    np.testing.assert_allclose(apart.data[0].z, -values)
    assert (apart.data[0].zmin, apart.data[0].zmax) == (-1, 1)
    assert list(apart.data[0].x) == ["0 a", "1 b/x", "2 c"]
    with pytest.raises(ValueError, match="labels came for 3"):
        figures.pattern(values, ["a"], "left", "light")


@pytest.mark.parametrize("n", [1, 30, 256])
def test_names_of_tokens_have_room(n):
    figure = figures.pattern(np.zeros((n, n)), ["x"] * n, "left", "light")
    side = figure.layout.width - figure.layout.margin.l - figure.layout.margin.r
    assert side <= figures.LARGEST
    assert len(figure.layout.xaxis.tickvals) * figures.LABEL_PITCH <= side
