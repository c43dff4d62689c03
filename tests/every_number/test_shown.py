"""What is compared with an account fails where it ought to."""

import math

import numpy as np
import pytest
from accounts.shown import NUMBER, Near, Page, agrees, compared, differs, require_whole


@pytest.mark.parametrize(
    ("printed", "right", "holds"),
    [
        ("0.08", 0.08454, True),
        ("0.09", 0.08454, False),  # 0.085 rounded again
        ("11.48", 11.47548, True),
        ("11.47", 11.47548, False),
        ("−0.5", -0.4512, True),
        ("0.5", -0.4512, False),
        ("12 %", 0.1234, True),
        ("13%", 0.1234, False),
        ("1,423", 1423, True),
        ("1,424", 1423, False),
        ("1.2e-07", 1.21e-7, True),
        ("0.000001", 1e-6, True),
        ("0.000002", 1e-6, False),
        ("5", 4.6, True),
        ("5", 4, False),
    ],
)
def test_a_number_is_the_right_one_rounded_once(printed: str, right: float, holds: bool):
    match = NUMBER.search(printed)
    assert match
    assert match[0] == printed
    assert agrees(match, right) is holds


def test_what_nothing_accounts_for_is_found():
    page = Page(["the loss is 3.46"], {"chart.0.y": [1.0, 2.0]})
    said, shown = [("the loss is", 3.4567)], {"chart.0.y": np.array([1.0, 2.0])}
    page.holds((said, shown))
    for wrong in (
        ([], shown),
        (said, {}),
        ([*said, ("perplexity", 31.7)], shown),
        (said, {**shown, "chart.1.y": 0}),
        ([("the loss is", 3.4567, 2)], shown),
        (said, {"chart.0.y": [1.0, 2.01]}),
        (said, {"chart.0.y": [2.0, 1.0]}),
    ):
        with pytest.raises(AssertionError):
            page.holds(wrong)


def test_names_count_as_they_are_and_numbers_in_their_order():
    assert not compared("h.1.attn.pattern[2] · 3 × 5", ["h.1.attn.pattern[2]", 3, 5])
    assert compared("h.1.attn.pattern[2] · 3 × 5", ["h.1.attn.pattern[1]", 3, 5])
    assert compared("3 × 5", [5, 3])


def test_what_is_no_number_is_equal_to_nothing_else():
    assert not differs([math.nan, None], [math.nan, math.nan])
    assert differs([0.0], math.nan)
    assert differs([math.nan], 0.0)
    assert not differs([0.5], Near(np.array([0.501]), 0.002))
    assert differs([0.5], Near(np.array([0.51]), 0.002))


@pytest.mark.parametrize(
    "trace",
    [
        {"hovertemplate": "%{text:.2f}", "text": ["0.123"]},  # written already, and formatted
        {"hovertemplate": "%{x}", "x": [0.123456]},  # a float with all its digits
    ],
)
def test_a_hover_that_rounds_what_is_rounded_is_found(trace: dict):
    with pytest.raises(AssertionError):
        require_whole(trace)
