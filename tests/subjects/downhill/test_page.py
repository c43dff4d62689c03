"""The page Going downhill, entered through the app; it opens without any model."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from streamlit.testing.v1 import AppTest

from gptviz.subjects.downhill import analysis


@pytest.fixture
def open_page(
    open_app: Callable[..., AppTest], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., AppTest]:
    monkeypatch.setenv("GPTVIZ_CHECKPOINTS", str(tmp_path))

    def opened(tab: str, **query: object) -> AppTest:
        return open_app("downhill", tab=tab, **query)

    return opened


def words(app: AppTest) -> str:
    told = [*app.markdown, *app.caption, *app.error, *app.info]
    return " ".join(x.value for x in told).replace("\\", "")


def test_the_page_opens_on_x_squared(open_page, assert_codes_make_the_numbers):
    app = open_page("curve")
    assert not app.error
    assert "slope at x = 2.0 is 4.000" in words(app)
    assert "goes by −0.1 × 4.000 to 1.600" in words(app)
    assert "After 20 steps x is **0.023** and the height **0.001**" in words(app)
    assert_codes_make_the_numbers({"descent"})


@pytest.mark.parametrize(
    ("tab", "query", "key"),
    [
        ("curve", {"hill": "two-valleys", "curve_rate": "1.05", "from_x": "-2.2"}, "descent"),
        ("surface", {}, "paths"),
        ("surface", {"landscape": "bend", "surface_rate": "1.2"}, "paths"),
        ("surface", {"landscape": "saddle"}, "paths"),
        ("adam", {"gradients": "1, -1, 1e-3", "beta_1": "0", "beta_2": "0.999"}, "adam"),
        ("gpt", {"rate_times": "3", "course_seed": "1"}, "courses"),
        ("decay", {"decays": "adam", "decay": "1"}, "shrunk"),
        ("decay", {"decay": "0"}, "shrunk"),
    ],
)
def test_the_code_gives_the_numbers(open_page, assert_codes_make_the_numbers, tab, query, key):
    app = open_page(tab, **query)
    assert not app.error
    assert_codes_make_the_numbers({key})


def test_what_is_thrown_out_is_told(open_page):
    app = open_page("curve", hill="two-valleys", curve_rate="1.05", from_x="2.2")
    assert "It is thrown out: after" in words(app)


def test_adam_s_first_step_is_told_in_numbers(open_page):
    told = words(open_page("adam"))
    assert "m = (1 − 0.9) · 0.5 = **0.050**" in told
    assert "v = (1 − 0.999) · 0.5² = **0.00025**" in told
    assert "0.500 ÷ √0.250 = **1.000** × the rate" in told
    assert "Without the correction it would be 3.162." in told


@pytest.mark.parametrize(
    ("gradients", "sentences"),
    [
        ("-0.2", ["· −0.2 = **−0.020**", "· (−0.2)² = **0.00004**", "**−1.000** × the rate"]),
        ("1000000", ["· 1000000 = **100,000.000**"]),
        ("1e-8", ["· 1e−08 = **1.0 · 10⁻⁹**", "ε = 10⁻⁸ to √v̂", "= **0.500** × the rate"]),
        ("0", ["· 0 = **0.000**", "ε = 10⁻⁸ to √v̂"]),
    ],
)
def test_any_first_gradient_is_told_with_its_sign_and_its_size(open_page, gradients, sentences):
    told = words(open_page("adam", gradients=gradients))
    assert not [sentence for sentence in sentences if sentence not in told], told


def test_ordinary_gradients_say_nothing_of_epsilon(open_page):
    assert not open_page("adam").info


def test_where_a_descent_comes_next_to_0_it_is_not_told_as_0(open_page):
    told = words(open_page("curve", curve_rate="0.45", from_x="-2"))
    assert "After 20 steps x is **−2.0 · 10⁻²⁰** and the height **4.0 · 10⁻⁴⁰**" in told


def test_decay_tells_what_it_leaves_alone(open_page):
    app = open_page("decay")
    assert "pulls at **6** tensors" in words(app)
    assert "after 100 steps, **99.0 %** of their size is left" in words(app)
    assert "Without weight decay nothing acts" in words(open_page("decay", decay="0"))


def test_an_older_pytorch_is_told_why_muon_is_missing(open_page, monkeypatch):
    monkeypatch.delattr(torch.optim, "Muon", raising=False)
    assert "muon" not in analysis.available()
    app = open_page("surface", surface_rate="0.003")
    assert "Muon is missing here: it comes with PyTorch 2.9" in words(app)
    assert not app.error


@pytest.mark.parametrize(
    ("typed", "told"), [(";", "There is no number yet"), ("1, a", "is no number")]
)
def test_gradients_that_cannot_be_read_end_in_a_sentence(open_page, typed, told):
    assert told in words(open_page("adam", gradients=typed))


@pytest.mark.parametrize("value", ["", "0", "999", "abc", "NaN"])
def test_what_is_no_choice_is_passed_over(open_page, value):
    for tab, keys in (
        ("curve", ("hill", "curve_rate", "from_x")),
        ("surface", ("landscape", "surface_rate")),
        ("decay", ("decays", "decay")),
    ):
        assert not open_page(tab, **dict.fromkeys(keys, value)).error
