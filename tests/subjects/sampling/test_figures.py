"""What the pictures of sampling promise: bounds where they belong, names that nobody merges."""

import numpy as np
import pandas as pd
import pytest

from gptviz.app.theme import Scheme
from gptviz.subjects.sampling.figures import drawn_bars, stage_heatmap


@pytest.fixture
def draws() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "token": ["·a", "<b>", "<b>", "all others"],
            "probability": [0.5, 0.25, 0.2, 0.05],
            "count": [45, 30, 20, 5],
            "frequency": [0.45, 0.3, 0.2, 0.05],
            "low": [0.36, 0.22, 0.13, 0.02],
            "high": [0.55, 0.4, 0.29, 0.11],
        }
    )


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_bars_are_frequencies_with_their_bounds_and_marks_are_probabilities(
    draws: pd.DataFrame, scheme: Scheme
):
    bars, marks = drawn_bars(draws, scheme).data
    assert bars.x.tolist() == pytest.approx(draws["frequency"].tolist())
    assert (bars.x + bars.error_x.array).tolist() == pytest.approx(draws["high"].tolist())
    assert (bars.x - bars.error_x.arrayminus).tolist() == pytest.approx(draws["low"].tolist())
    assert marks.x.tolist() == pytest.approx(draws["probability"].tolist())


def test_tokens_that_look_alike_keep_a_row_each_and_are_no_html(draws: pd.DataFrame):
    figure = drawn_bars(draws, "light")
    assert len(set(figure.data[0].y)) == 4
    assert list(figure.layout.yaxis.ticktext) == ["·a", "&lt;b&gt;", "&lt;b&gt;", "all others"]
    assert all("<b>" not in text for text in figure.data[0].customdata)


def test_each_cell_of_the_stages_says_its_probability_or_that_the_token_is_removed():
    probabilities = np.array([[0.6, 1.0], [0.4, 0.0]])
    figure = stage_heatmap(probabilities, ["a", "<i>"], ["before", "after"], "dark")
    picture = figure.data[0]
    assert [list(row) for row in picture.text] == [["60.00%", "100.00%"], ["40.00%", "–"]]
    assert (picture.zmin, picture.zmax) == (0, 1)
    assert list(figure.layout.yaxis.ticktext) == ["a", "&lt;i&gt;"]


def test_names_that_do_not_fit_the_stages_are_refused():
    with pytest.raises(ValueError, match="1 labels came for 2 rows"):
        stage_heatmap(np.zeros((2, 2)), ["a"], ["x", "y"], "light")
    with pytest.raises(ValueError, match="1 labels came for 2 columns"):
        stage_heatmap(np.zeros((2, 2)), ["a", "b"], ["x"], "light")
