"""Pictures over the steps of a run: each number in its place, the chosen step outlined."""

import numpy as np
import pytest

from gptviz.app import theme
from gptviz.subjects.time_machine import figures

STEPS = [0, 1, 2, 5, 13, 40, 1000]
PATTERNS = np.arange(7 * 9, dtype=np.float32).reshape(7, 3, 3) / 100


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_sheet_shows_every_pattern_whole_upright_and_beside_its_step(scheme):
    figure = figures.pattern_sheet(PATTERNS, STEPS, 13, scheme)
    picture = figure.data[0]
    assert (picture.zmin, picture.zmax) == (0, 1)
    for i, (pattern, step) in enumerate(zip(PATTERNS, STEPS, strict=True)):
        name, box = figure.layout.annotations[i], figure.layout.shapes[i]
        assert f"{step:,}" in name.text
        assert (name.x, name.y) == (box.x0, box.y0)
        rows = [y for y in range(len(picture.y) - 1) if box.y0 <= picture.y[y] < box.y1 - 1e-6]
        columns = [x for x in range(len(picture.x) - 1) if box.x0 <= picture.x[x] < box.x1 - 1e-6]
        tile = np.ix_(rows, columns)
        np.testing.assert_array_equal(picture.z[tile], pattern)
        assert (picture.customdata[tile] == step).all()
    assert np.isfinite(picture.z).sum() == PATTERNS.size
    top, bottom = figure.layout.yaxis.range[::-1]
    assert top < bottom


def test_the_chosen_pattern_is_told_by_its_outline_and_a_sign_not_by_colour_alone():
    figure = figures.pattern_sheet(PATTERNS, STEPS, 13, "light")
    marked = [note.text for note in figure.layout.annotations if "▸" in note.text]
    assert marked == ["<b>▸ 13</b>"]
    widths = [shape.line.width for shape in figure.layout.shapes]
    assert widths.index(max(widths)) == STEPS.index(13)
    assert widths.count(max(widths)) == 1


@pytest.mark.parametrize(
    ("draw", "limits"),
    [(figures.likeliest_over_steps, (0, 1)), (figures.cosines_over_steps, (-1, 1))],
)
def test_rows_of_tokens_have_a_fixed_scale_and_the_chosen_step_outlined(draw, limits):
    values = np.linspace(-1, 1, 14).reshape(7, 2)
    figure = draw(values, ["<b>", "·a"], STEPS, 1000, "dark")
    picture, (box,) = figure.data[0], figure.layout.shapes
    assert (picture.zmin, picture.zmax) == limits
    np.testing.assert_allclose(picture.z, values.T, atol=1e-6)
    assert (box.x0, box.x1) == (5.5, 6.5)
    assert box.line.color == theme.PALETTES["dark"].accent
    assert list(figure.layout.yaxis.ticktext) == ["&lt;b&gt;", "·a"]
    assert figure.layout.xaxis.ticktext[0] == "0"
    assert figure.layout.xaxis.ticktext[-1] == "1,000"


def test_a_step_too_few_is_refused_in_words():
    with pytest.raises(ValueError, match="6 steps came for 7 values"):
        figures.pattern_sheet(PATTERNS, STEPS[:-1], 0, "light")
    with pytest.raises(ValueError, match="1 steps came for 2 values"):
        figures.cosines_over_steps(np.zeros((2, 1)), ["a"], [0], 0, "light")
