import numpy as np
import pandas as pd
import pytest

from gptviz.app.theme import PALETTES
from gptviz.subjects.layer_norms import figures

X = np.array([4.0, 0.0, 2.0, 2.0, 7.0])
NORMALISED = (X - X.mean()) / X.std()
AFTER = 2 * NORMALISED + 1
STEPS = {"before": X, "normalised": NORMALISED, "after": AFTER}
MOMENTS = pd.DataFrame(
    {
        "step": list(STEPS),
        "mean": [x.mean() for x in STEPS.values()],
        "variance": [x.var() for x in STEPS.values()],
    }
)
TOKENS = ["To", "·be", "<b>", "·be"]


def bars(figure):
    return [trace for trace in figure.data if trace.type == "bar"]


def marks(figure):
    return [trace for trace in figure.data if trace.type == "scatter"]


def titles(figure):
    return [annotation.text for annotation in figure.layout.annotations]


def test_every_number_of_the_vector_is_counted_once_and_marked_once():
    figure = figures.before_and_after(STEPS, MOMENTS, "light")
    for drawn, rug, numbers in zip(bars(figure), marks(figure), STEPS.values(), strict=True):
        assert sum(drawn.y) == len(X)
        assert rug.x == pytest.approx(numbers, rel=1e-6)
        assert list(rug.customdata) == [0, 1, 2, 3, 4]


def test_the_titles_say_mean_and_variance_of_each_step():
    figure = figures.before_and_after(STEPS, MOMENTS, "light")
    assert titles(figure) == [
        "before: x<br>mean 3<br>variance 5.6",
        "normalised<br>mean 0<br>variance 1",
        "after: × γ + β<br>mean 1<br>variance 4",
    ]


def test_a_mean_below_zero_has_a_true_minus_and_large_numbers_stay_readable():
    moments = MOMENTS.assign(mean=[-0.0125, 0.0, 1e-9], variance=[123456.0, 1.0, 0.00123])
    assert titles(figures.before_and_after(STEPS, moments, "light")) == [
        "before: x<br>mean −0.0125<br>variance 123,456",
        "normalised<br>mean 0<br>variance 1",
        "after: × γ + β<br>mean 0<br>variance 0.00123",
    ]


def test_normalising_changes_the_numbers_below_the_bars_and_not_the_bars():
    before, normalised, _ = bars(figures.before_and_after(STEPS, MOMENTS, "light"))
    assert before.y == pytest.approx(normalised.y)
    assert (before.x - X.mean()) / X.std() == pytest.approx(normalised.x)


def test_normalised_and_after_share_one_scale():
    _, normalised, after = bars(figures.before_and_after(STEPS, MOMENTS, "light"))
    assert normalised.x == pytest.approx(after.x)


def test_the_mean_is_dotted_and_the_spread_is_a_band_around_it():
    figure = figures.before_and_after(STEPS, MOMENTS, "dark")
    lines = [shape for shape in figure.layout.shapes if shape.type == "line"]
    bands = [shape for shape in figure.layout.shapes if shape.type == "rect"]
    for line, band, numbers in zip(lines, bands, STEPS.values(), strict=True):
        assert line.x0 == line.x1 == pytest.approx(numbers.mean())
        assert (band.x0 + band.x1) / 2 == pytest.approx(numbers.mean())
        assert (band.x1 - band.x0) / 2 == pytest.approx(numbers.std())


def test_a_vector_whose_numbers_are_all_the_same_can_be_drawn():
    same = {"before": np.full(4, 3.0), "normalised": np.zeros(4), "after": np.full(4, 0.5)}
    moments = MOMENTS.assign(mean=[3.0, 0.0, 0.5], variance=0.0)
    for drawn in bars(figures.before_and_after(same, moments, "light")):
        assert sum(drawn.y) == 4


def test_nan_is_left_out_of_the_bars():
    broken = {name: np.where(X == 7, np.nan, numbers) for name, numbers in STEPS.items()}
    for drawn in bars(figures.before_and_after(broken, MOMENTS, "light"))[1:]:
        assert sum(drawn.y) == 4
    nothing = dict.fromkeys(STEPS, np.full(5, np.nan))
    for drawn in bars(figures.before_and_after(nothing, MOMENTS, "light")):
        assert sum(drawn.y) == 0


def test_a_vector_without_its_moments_is_refused():
    with pytest.raises(ValueError, match="2 vectors and 3 moments came; give three"):
        figures.before_and_after({"before": X, "after": AFTER}, MOMENTS, "light")


def test_gamma_and_beta_are_counted_and_measured_from_where_training_starts():
    figure = figures.parameters(np.array([1.0, 1.2, 0.9]), np.array([0.0, 0.1, -0.3]), "light")
    assert [sum(drawn.y) for drawn in bars(figure)] == [3, 3]
    assert [line.x0 for line in figure.layout.shapes] == [1.0, 0.0]
    assert [title[0] for title in titles(figure)] == ["γ", "β"]


def test_fresh_parameters_can_be_drawn():
    figure = figures.parameters(np.ones(8), np.zeros(8), "dark")
    assert [max(drawn.y) for drawn in bars(figure)] == [8, 8]


def test_divergences_stand_over_their_tokens_with_the_chosen_one_marked():
    figure = figures.divergences(np.array([0.0, 0.5, 2.0, 1.0]), TOKENS, 2, "light")
    (drawn,) = figure.data
    assert list(drawn.x) == ["0 To", "1 ·be", "2 &lt;b&gt;", "3 ·be"]
    assert list(drawn.y) == [0.0, 0.5, 2.0, 1.0]
    assert list(drawn.text) == ["", "", "▼", ""]
    accent = PALETTES["light"].accent
    assert [colour == accent for colour in drawn.marker.color] == [False, False, True, False]


def test_many_tokens_get_a_picture_wide_enough_for_their_labels():
    assert figures.divergences(np.ones(4), TOKENS, 0, "light").layout.width is None
    layout = figures.divergences(np.ones(200), ["x"] * 200, 0, "light").layout
    assert layout.width > 50 * 12
    assert layout.xaxis.title.text == "the axis names 1 of every 4 tokens"


def test_divergences_without_their_tokens_are_refused():
    with pytest.raises(ValueError, match="4 labels came for 3 tokens"):
        figures.divergences(np.ones(3), TOKENS, 0, "light")
