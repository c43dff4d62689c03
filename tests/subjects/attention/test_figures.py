import numpy as np
import pytest

from gptviz.subjects.attention import figures

TOKENS = ["To", "·be", "<b>", "·be"]
PATTERN = np.tril(np.full((4, 4), 0.25))


def test_a_map_of_heads_has_a_row_a_layer_and_runs_from_0_to_1():
    values = np.array([[0.1, 0.2, 0.3], [0.4, np.nan, 0.6]])
    figure = figures.head_map(values, "first token", "light", chosen=(1, 2))
    drawn = figure.data[0]
    assert np.array_equal(drawn.z, values.astype(np.float32), equal_nan=True)
    assert (list(drawn.y), list(drawn.x)) == (["L0", "L1"], ["H0", "H1", "H2"])
    assert (drawn.zmin, drawn.zmax) == (0, 1)
    (outline,) = figure.layout.shapes
    assert (outline.x0, outline.x1, outline.y0, outline.y1) == (1.5, 2.5, 0.5, 1.5)


def test_each_head_with_a_value_carries_its_number():
    labels = figures.head_map(np.array([[0.1, np.nan], [0.25, 1.0]]), "induction", "dark").data[1]
    assert list(labels.text) == ["0.10", "0.25", "1.00"]
    assert (list(labels.y), list(labels.x)) == (["L0", "L1", "L1"], ["H0", "H0", "H1"])
    assert labels.hoverinfo == "skip"


def test_a_map_of_heads_fits_any_width_and_has_no_numbers_where_they_have_no_room():
    few, many = (figures.head_map(np.zeros((2, n)), "induction", "light") for n in (8, 12))
    assert few.layout.width is many.layout.width is None
    assert (len(few.data), len(many.data)) == (2, 1)


def test_a_map_of_heads_that_is_not_two_dimensional_is_refused():
    with pytest.raises(ValueError, match="3 dimensions"):
        figures.head_map(np.zeros((2, 3, 4)), "entropy", "light")


def test_each_step_of_the_arithmetic_is_a_column_and_weights_run_from_0_to_1():
    numbers = np.array([3.0, -1.0, 0.5, 2.0])
    masked = np.array([False, False, False, True])
    figure = figures.arithmetic_steps(
        {"q·k": numbers, "weight": PATTERN[2]}, masked, TOKENS, "light"
    )
    assert [bars.x.tolist() for bars in figure.data] == [numbers.tolist(), PATTERN[2].tolist()]
    assert [title.text for title in figure.layout.annotations] == ["q·k", "weight"]
    assert figure.layout.xaxis2.range == (0, 1)
    assert figure.data[0].marker.pattern.shape[3] == "/"
    assert set(figure.data[0].marker.pattern.shape[:3]) == {""}


def test_the_arithmetic_of_a_long_prompt_is_no_taller_than_that_of_64_tokens():
    heights = [
        figures.arithmetic_steps(
            {"weight": np.zeros(T)}, np.zeros(T, dtype=bool), ["token"] * T, "light"
        ).layout.height
        for T in (32, 64, 250)
    ]
    assert heights[0] < heights[1] == heights[2]


def test_numbers_without_a_key_are_refused():
    with pytest.raises(ValueError, match="4 labels came for 3 keys"):
        figures.arithmetic_steps({"q·k": np.zeros(3)}, np.zeros(4, dtype=bool), TOKENS, "light")


def test_weighted_values_and_their_sum_share_one_symmetric_scale():
    weighted = np.array([[1.0, -2.0], [0.5, -1.5]])
    figure = figures.weighted_values(weighted, weighted.sum(0), TOKENS[:2], "light")
    rows, total = figure.data
    assert np.array_equal(rows.z, weighted)
    assert np.array_equal(total.z, [[1.5, -3.5]])
    assert (rows.zmin, rows.zmax) == (total.zmin, total.zmax) == (-3.5, 3.5)


def test_weighted_values_without_a_token_are_refused():
    with pytest.raises(ValueError, match="4 labels came for 2 rows"):
        figures.weighted_values(np.zeros((2, 3)), np.zeros(3), TOKENS, "light")
