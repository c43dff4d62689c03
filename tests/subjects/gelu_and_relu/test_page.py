"""The page GELU and ReLU, entered through the app."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from gptviz import LanguageModel, load


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory, save_random: Callable[..., None]) -> Path:
    root = tmp_path_factory.mktemp("models")
    kinds: dict[str, dict[str, Any]] = {
        "first": {},
        "exact": {"activation": "gelu"},
        "sharp": {"activation": "relu", "norm": "none", "n_layer": 1},
        "loud": {"std": 1000.0},
        "void": {"is_void": True},
    }
    for name, more in kinds.items():
        save_random(root / name, **more)
    return root


@pytest.fixture
def open_page(
    open_app: Callable[..., AppTest], models: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., AppTest]:
    monkeypatch.setenv("GPTVIZ_CHECKPOINTS", str(models))

    def opened(tab: str = "curves", **query: object) -> AppTest:
        chosen = {"model": "first", "prompt": "The king", "tab": tab}
        return open_app("gelu_and_relu", **{**chosen, **query})

    return opened


def words(app: AppTest) -> str:
    told = [*app.markdown, *app.caption, *app.error]
    return " ".join(x.value for x in told).replace("\\", "")


@pytest.mark.parametrize("kind", ["function", "slope", "error"])
def test_the_curves_need_no_run_of_the_model_and_their_code_makes_them(
    open_page, assert_codes_make_the_numbers, monkeypatch, kind
):
    def runs(*_: object) -> None:
        raise AssertionError("the model runs")

    monkeypatch.setattr(LanguageModel, "trace", runs)
    app = open_page(curve_of=kind, x="-0.5")
    assert not app.error
    assert "GELU gives **−0.154**, ReLU **0.000**" in words(app)
    assert "keeps 30.9 % of x" in words(app)
    assert_codes_make_the_numbers({"curves"})


@pytest.mark.parametrize("model", ["first", "exact", "sharp"])
def test_the_text_s_units_are_on_the_model_s_own_curve(
    open_page, assert_codes_make_the_numbers, model
):
    app = open_page("units", model=model, layer=1, position=3)
    assert not app.error
    assert_codes_make_the_numbers({"units_below"})
    layer = load(model).config.n_layer - 1
    pre = load(model).trace("The king")[f"h.{layer}.mlp.pre"][3]
    assert f"**{int((pre < 0).sum())} of 32** hidden units of layer {layer}" in words(app)
    assert ("ReLU would leave nothing" in words(app)) is (model != "sharp")


def test_a_token_without_a_unit_in_the_picture_is_told(open_page):
    app = open_page("units", model="loud")
    assert "No hidden unit of this token lies in the picture" in app.info[0].value
    assert not open_page("units").info


def test_a_broken_model_ends_in_a_sentence(open_page):
    assert "stand nowhere on the curve; choose another model" in words(
        open_page("units", model="void")
    )


@pytest.mark.parametrize("value", ["", "99", "abc", "NaN"])
def test_what_is_no_choice_is_passed_over(open_page, value):
    assert not open_page(**dict.fromkeys(("x", "curve_of"), value)).error
