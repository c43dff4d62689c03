import numpy as np
import pytest

from gptviz.app.theme import PALETTES
from gptviz.subjects.layer_norms import stream_figures as figures

STAGES = ["embed", "h.0.resid_mid", "h.0"]
TOKENS = ["To", "<b>", "·be"]
NORM = np.array([[1.0, 2.0, 3.0], [10.0, 20.0, 30.0], [100.0, 200.0, 300.0]])


def test_the_chosen_token_has_a_line_of_its_own_in_the_accent_colour():
    figure = figures.norms_by_stage(NORM, STAGES, TOKENS, 1, "light", None)
    others, chosen = figure.data
    assert list(chosen.x) == STAGES
    assert list(chosen.y) == [2.0, 20.0, 200.0]
    assert chosen.name == "1 &lt;b&gt;"
    assert chosen.line.color == PALETTES["light"].accent
    assert chosen.line.width > others.line.width


def test_the_other_tokens_are_lines_with_a_gap_between_two():
    others = figures.norms_by_stage(NORM, STAGES, TOKENS, 1, "light", None).data[0]
    assert list(others.x) == [*STAGES, None] * 2
    assert np.array_equal(others.y, [1, 10, 100, np.nan, 3, 30, 300, np.nan], equal_nan=True)
    assert list(others.customdata) == ["0 To"] * 4 + ["2 ·be"] * 4


def test_a_single_token_can_be_drawn():
    figure = figures.norms_by_stage(NORM[:, :1], STAGES, TOKENS[:1], 0, "dark", None)
    assert list(figure.data[0].y) == []
    assert list(figure.data[1].y) == [1.0, 10.0, 100.0]


def test_each_stage_has_a_short_name_on_the_axis_and_its_own_in_the_data():
    axis = figures.norms_by_stage(NORM, STAGES, TOKENS, 0, "light", None).layout.xaxis
    assert list(axis.tickvals) == STAGES
    assert list(axis.ticktext) == ["embed", "L0 attn", "L0 MLP"]


def test_the_stages_of_a_deep_model_are_named_now_and_then():
    stages = ["embed", *(f"h.{i}{part}" for i in range(48) for part in (".resid_mid", ""))]
    axis = figures.spread_by_stage(np.zeros(97), np.ones(97), stages, "light", None).layout.xaxis
    assert len(axis.tickvals) <= 26
    assert set(axis.tickvals) < set(stages)


@pytest.mark.parametrize("scale", [1e-3, 1.0, 37.0, 4e5])
def test_lengths_stand_on_a_multiplying_axis_with_plain_numbers(scale):
    axis = figures.norms_by_stage(scale * NORM, STAGES, TOKENS, 0, "light", None).layout.yaxis
    low, high = 10 ** np.array(axis.range)
    assert axis.type == "log"
    assert low <= scale
    assert high >= 300 * scale
    assert sum(low <= tick <= high for tick in axis.tickvals) >= 3
    assert not any("e" in text for text in axis.ticktext)


def test_lengths_that_are_zero_nan_or_infinite_do_not_break_the_axis():
    broken = np.array([[0.0, 2.0], [np.nan, np.inf]])
    axis = figures.norms_by_stage(broken, STAGES[:2], TOKENS[:2], 0, "light", None).layout.yaxis
    assert axis.type == "log"
    axis = figures.norms_by_stage(0 * NORM, STAGES, TOKENS, 0, "light", None).layout.yaxis
    assert axis.type == "linear"


def test_lengths_that_are_all_the_same_leave_room_around_them():
    axis = figures.norms_by_stage(0 * NORM + 5, STAGES, TOKENS, 0, "light", None).layout.yaxis
    low, high = 10 ** np.array(axis.range)
    assert low < 5 < high


def test_the_band_is_one_spread_on_both_sides_of_the_mean():
    mean, spread = np.array([0.0, 1.0, -1.0]), np.array([0.5, 1.0, 2.0])
    low, high, middle = figures.spread_by_stage(mean, spread, STAGES, "light", None).data
    assert list(low.y) == [-0.5, 0.0, -3.0]
    assert list(high.y) == [0.5, 2.0, 1.0]
    assert list(middle.y) == [0.0, 1.0, -1.0]
    assert high.fill == "tonexty"


def test_two_runs_are_told_apart_by_more_than_colour():
    figure = figures.lengths_compared(NORM[:, 0], NORM[:, 1], STAGES, "light", None)
    before, after = figure.data
    assert (before.name, after.name) == ("with the norm", "without it")
    assert (list(before.y), list(after.y)) == ([1.0, 10.0, 100.0], [2.0, 20.0, 200.0])
    assert (before.line.dash, after.line.dash) == ("solid", "dash")
    assert "length with the norm: %{y:.2f}" in before.hovertemplate
    assert "length without it: %{y:.2f}" in after.hovertemplate


@pytest.mark.parametrize(("mark", "place"), [("embed", 0), ("h.0", 2)])
def test_a_stage_can_be_pointed_at(mark, place):
    for figure in (
        figures.norms_by_stage(NORM, STAGES, TOKENS, 0, "light", mark),
        figures.spread_by_stage(NORM[:, 0], NORM[:, 1], STAGES, "light", mark),
        figures.lengths_compared(NORM[:, 0], NORM[:, 1], STAGES, "light", mark),
    ):
        (line,) = figure.layout.shapes
        assert line.x0 == line.x1 == place


def test_lines_without_their_stages_or_tokens_are_refused():
    with pytest.raises(ValueError, match="2 labels came for 3 stages"):
        figures.norms_by_stage(NORM, STAGES[:2], TOKENS, 0, "light", None)
    with pytest.raises(ValueError, match="2 labels came for 3 tokens"):
        figures.norms_by_stage(NORM, STAGES, TOKENS[:2], 0, "light", None)
    with pytest.raises(ValueError, match="3 labels came for 2 stages"):
        figures.spread_by_stage(NORM[:2, 0], NORM[:2, 0], STAGES, "light", None)
    with pytest.raises(ValueError, match="3 labels came for 2 stages"):
        figures.lengths_compared(NORM[:, 0], NORM[:2, 0], STAGES, "light", None)
