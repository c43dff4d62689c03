"""GELU and ReLU, beside their formulas in plain Python."""

import math

import numpy as np
import pytest

from gptviz.subjects import gelu_and_relu

TEXT = "the cat sat"


def gelu(x: float) -> float:
    return x * 0.5 * (1 + math.erf(x / math.sqrt(2)))


def gelu_tanh(x: float) -> float:
    return 0.5 * x * (1 + math.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))


def test_the_curves_are_their_formulas_and_the_slopes_their_differences():
    table = gelu_and_relu.curves(-4, 4, 801)
    for name, function in (("exact", gelu), ("tanh", gelu_tanh)):
        values = [function(x) for x in table["x"]]
        np.testing.assert_allclose(table[name], values, atol=1e-12)
        slopes = np.gradient(values, table["x"])
        np.testing.assert_allclose(table[f"{name} slope"][1:-1], slopes[1:-1], atol=1e-4)
    np.testing.assert_array_equal(table["relu"], np.maximum(table["x"], 0))
    np.testing.assert_array_equal(table["relu slope"], table["x"] > 0)
    np.testing.assert_allclose(table["error"], table["tanh"] - table["exact"])


def test_the_curves_meet_0_where_the_slope_of_relu_is_0():
    middle = gelu_and_relu.curves(-3, 3).iloc[200]
    assert (middle["x"], middle["relu slope"]) == (0, 0)


def test_what_the_page_says_of_the_curves_is_so():
    table = gelu_and_relu.curves(-4, 4, 8001)
    lowest = table.loc[table["exact"].idxmin()]
    assert (round(lowest["x"], 2), round(lowest["exact"], 2)) == (-0.75, -0.17)
    assert table["error"].abs().max() < 0.0005
    below = table[table["exact slope"] < 0]
    assert below["x"].max() == pytest.approx(-0.75, abs=0.01)
    assert table["exact slope"].max() > 1.1
    assert table.loc[table["exact slope"].idxmax(), "x"] == pytest.approx(1.4, abs=0.05)


def test_one_place_is_a_row_with_the_share_that_is_kept():
    row = gelu_and_relu.at(-0.5).iloc[0]
    assert row["kept"] == pytest.approx(0.308538, abs=1e-6)
    assert row["exact"] == pytest.approx(-0.5 * row["kept"])
    assert gelu_and_relu.at(0.0).iloc[0]["exact"] == 0


def test_the_units_of_a_text_are_those_of_the_run_with_each_function_beside(tiny_lm):
    trace = tiny_lm.trace(TEXT)
    table = gelu_and_relu.unit_table(trace, 1, 4)
    pre, act = (trace[f"h.1.mlp.{name}"][4].numpy() for name in ("pre", "act"))
    assert table["pre"].tolist() == pre.tolist()
    assert table["act"].tolist() == act.tolist()
    np.testing.assert_allclose(table["tanh"], act, atol=1e-6)
    np.testing.assert_allclose(table["exact"], [gelu(x) for x in pre], atol=1e-6)
    found = gelu_and_relu.below_zero(table)
    low = pre < 0
    assert (found.count, found.of) == (low.sum(), len(pre))
    assert found.before == pytest.approx(pre[low].sum(), rel=1e-5)
    assert found.after == pytest.approx(act[low].sum(), rel=1e-5)
    assert found.least == act[low].min()
