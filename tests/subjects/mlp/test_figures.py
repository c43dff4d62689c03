"""Pictures of an MLP: every unit on the curve, one bar a token."""

import numpy as np
import pandas as pd
import pytest

from gptviz.subjects.mlp import analysis as mlp
from gptviz.subjects.mlp import figures

TEXT = "the cat"


def test_every_unit_is_a_dot_on_the_curve_and_counted_before_and_after(tiny_lm):
    units = mlp.units(tiny_lm.trace(TEXT), 0, 3)
    drawn = figures.on_the_curve(units, mlp.curve(tiny_lm, -4, 4), "GELU", "light")
    relu, own, dots, before, after = drawn.data
    assert list(dots.customdata) == list(range(32))
    assert np.interp(dots.x, own.x, own.y) == pytest.approx(dots.y, abs=1e-3)
    assert sum(before.y) == sum(after.x) == 32
    assert min(relu.y) == 0


def test_the_curve_is_gelu_as_gpt_2_computes_it_and_relu(tiny_lm):
    table = mlp.curve(tiny_lm, -3, 3, 7)
    x = np.arange(-3.0, 4)
    gelu = 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))
    expected = pd.DataFrame({"x": x, "own": gelu, "relu": np.maximum(x, 0)})
    pd.testing.assert_frame_equal(table, expected, check_dtype=False, atol=1e-6)


def test_the_chosen_token_stands_out_and_the_scale_is_the_layer_s():
    drawn = figures.by_token(np.array([0.1, -0.2, 0.3]), ["a", "b", "c"], 1, 2.5, "light")
    colours = drawn.data[0].marker.color
    assert colours[0] == colours[2] != colours[1]
    assert drawn.layout.yaxis.range == (-0.25, 2.5)


def test_a_long_text_makes_a_wide_picture_that_scrolls():
    drawn = figures.by_token(np.zeros(64), ["a"] * 64, 0, 1, "dark")
    assert drawn.layout.width > 1500


def test_a_token_for_each_bar_or_none():
    with pytest.raises(ValueError, match="labels came for"):
        figures.by_token(np.zeros(2), ["a"], 0, 1, "light")
