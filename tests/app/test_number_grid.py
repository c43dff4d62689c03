"""Numbers as coloured cells."""

import numpy as np
import pytest

from gptviz.app.number_grid import number_grid, written


def test_each_cell_has_its_number_and_its_colour():
    values = np.array([[1.0, -0.5, 0.25], [0.0, 3.0, -3.0]])
    figure = number_grid(values, ["row 0", "row 1"], ["0", "1", "2"], 2.0, "Title", "light")
    cells, numbers = figure.data
    np.testing.assert_array_equal(cells.z, values)
    assert (cells.zmin, cells.zmax) == (-2, 2)
    at = {(x, y): text for x, y, text in zip(numbers.x, numbers.y, numbers.text, strict=True)}
    assert at == {
        (0, 0): "1",
        (1, 0): "−0.500",
        (2, 0): "0.250",
        (0, 1): "0",
        (1, 1): "3",
        (2, 1): "−3",
    }
    ink = dict(zip(numbers.text, numbers.textfont.color, strict=True))
    assert (ink["0"], ink["3"]) == ("#000000", "#ffffff"), "readable on each colour"


def test_a_cell_tells_its_number_with_a_minus_or_that_there_is_none():
    figure = number_grid(np.array([[-0.25, np.nan, -0.0]]), ["row"], list("abc"), 1.0, "", "light")
    assert list(figure.data[1].customdata) == ["row, a: −0.25", "row, b: –", "row, c: 0"]


def test_a_row_without_a_label_is_refused():
    with pytest.raises(ValueError, match="1 labels came for 2 rows"):
        number_grid(np.zeros((2, 1)), ["row 0"], ["0"], 1.0, "", "dark")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.1234, "0.123"),
        (-0.9999, "−1.000"),
        (-12.34, "−12.3"),
        (1234.5, "1,234"),
        (1e6, "1.0e6"),
        (-2e5, "−2.0e5"),
        (-2e12, "−2.0e12"),
        (0.00025, "2.5e−4"),
        (-3.4e-12, "−3e−12"),
        (-0.0, "0"),
        (float("nan"), "–"),
    ],
)
def test_a_number_fits_into_its_cell(value: float, text: str):
    assert written(value) == text
