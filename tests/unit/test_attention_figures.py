import numpy as np
import pytest

from gptviz.figures import attention as figures
from gptviz.figures.theme import PALETTES

TOKENS = ["To", "·be", "<b>", "·be"]
PATTERN = np.tril(np.full((4, 4), 0.25))


def test_a_heatmap_shows_the_pattern_itself_from_0_to_1():
    drawn = figures.heatmap(PATTERN, TOKENS, "light").data[0]
    assert drawn.z.dtype == np.float32
    assert np.array_equal(drawn.z, PATTERN)
    assert (drawn.zmin, drawn.zmax) == (0, 1)


def test_the_first_query_is_the_top_row_and_keys_run_to_the_right():
    figure = figures.heatmap(PATTERN, TOKENS, "light")
    assert list(figure.data[0].y) == ["0 To", "1 ·be", "2 &lt;b&gt;", "3 ·be"]
    assert figure.data[0].x == figure.data[0].y
    assert figure.layout.yaxis.autorange == "reversed"


def test_hovering_names_the_query_the_key_and_the_weight():
    template = figures.heatmap(PATTERN, TOKENS, "dark").data[0].hovertemplate
    assert template == "%{y} looks at<br>%{x}<br>with weight %{z:.3f}<extra></extra>"


@pytest.mark.parametrize("T", [1, 2, 10, 33, 64])
def test_cells_are_square_and_wide_enough_for_a_label(T):
    figure = figures.heatmap(np.zeros((T, T)), ["token"] * T, "light")
    layout, margin = figure.layout, figure.layout.margin
    width = (layout.width - margin.l - margin.r) / T
    height = (layout.height - margin.t - margin.b) / T
    assert width == height
    assert width > layout.xaxis.tickfont.size
    assert len(layout.xaxis.tickvals) == len(layout.yaxis.tickvals) == T


def test_a_long_pattern_names_fewer_tokens_and_says_so():
    layout = figures.heatmap(np.zeros((200, 200)), ["token"] * 200, "light").layout
    assert len(layout.xaxis.tickvals) == 50
    assert layout.xaxis.title.text == "looked at (key); the axis names 1 of every 4 tokens"
    assert layout.width < 1000


def test_the_chosen_query_is_outlined_in_the_accent_colour():
    (outline,) = figures.heatmap(PATTERN, TOKENS, "dark", query=2).layout.shapes
    assert (outline.y0, outline.y1, outline.x0, outline.x1) == (1.5, 2.5, -0.5, 2.5)
    assert outline.line.color == PALETTES["dark"].accent
    assert outline.line.width >= 2


def test_a_blank_row_stays_blank_and_cannot_be_hovered():
    hidden = PATTERN.copy()
    hidden[0] = np.nan
    drawn = figures.heatmap(hidden, TOKENS, "light").data[0]
    assert np.isnan(drawn.z[0]).all()
    assert drawn.hoverongaps is False


def test_tokens_that_do_not_match_the_pattern_are_refused():
    with pytest.raises(ValueError, match="3 labels came for 4 rows and columns"):
        figures.heatmap(PATTERN, TOKENS[:3], "light")


@pytest.mark.parametrize("shape", [(4,), (4, 3), (2, 4, 4)])
def test_what_is_no_square_pattern_is_refused(shape):
    with pytest.raises(ValueError, match="must be"):
        figures.heatmap(np.zeros(shape), TOKENS, "light")


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
