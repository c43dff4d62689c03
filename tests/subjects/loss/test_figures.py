"""Probabilities in words, and which bar stands out."""

import pandas as pd
import pytest

from gptviz.app.theme import PALETTES
from gptviz.subjects.loss import analysis, figures


@pytest.mark.parametrize(
    ("p", "told"),
    [
        (1.0, "100.0 %"),
        (0.0968, "9.7 %"),
        (0.0047, "0.47 %"),
        (5.26e-5, "0.0053 %"),
        (1e-6, "0.0001 %"),
        (9e-7, "< 0.0001 %"),
        (0.0, "< 0.0001 %"),
    ],
)
def test_a_probability_is_told_in_per_cent(p: float, told: str):
    assert figures.chance(p) == told


def test_the_token_that_came_stands_out_by_colour_and_by_a_mark():
    figure = figures.probabilities(analysis.from_logits((2.0, 1.0, 0.5)), 1, "light")
    (bars,) = figure.data
    accent = PALETTES["light"].accent
    assert [colour == accent for colour in bars.marker.color] == [False, True, False]
    assert list(bars.text) == ["0.629", "0.231 ▼", "0.140"]
    assert tuple(figure.layout.yaxis.range) == (0, 1)


def test_a_token_s_piece_is_shown_to_the_letter():
    table = pd.DataFrame(
        {"token": ["<b>", "·a"], "rank": [1, 2], "probability": [0.5, 0.25], "loss": [0.693, 1.386]}
    )
    figure = figures.next_losses(table, "dark")
    assert list(figure.layout.xaxis.ticktext) == ["&lt;b&gt;", "·a"]
    assert list(figure.data[0].text) == ["50.0 % ▼", "25.0 %"]


def test_the_bars_of_a_long_text_begin_at_the_left_edge():
    n = 100
    zeros = dict.fromkeys(("loss", "mean loss", "probability", "perplexity"), [0.0] * n)
    figure = figures.sentence(pd.DataFrame(zeros), ["a"] * (n + 1), 4.6, "light")
    assert tuple(figure.layout.xaxis.range) == pytest.approx((-0.6, n - 0.4))
