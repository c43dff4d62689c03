"""The page Dividing by √d, entered through the app."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from gptviz import LanguageModel
from gptviz.app.glossary import without_marks


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory, save_random: Callable[..., None]) -> Path:
    root = tmp_path_factory.mktemp("models")
    kinds: dict[str, dict[str, Any]] = {
        "first": {},
        "whole": {"scale_attn_weights": False, "n_layer": 1, "n_head": 1},
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

    def opened(tab: str, **query: object) -> AppTest:
        return open_app("root_d", **{"model": "first", "prompt": "The king", "tab": tab, **query})

    return opened


def words(app: AppTest) -> str:
    told = [*app.markdown, *app.caption, *app.error, *app.info]
    return without_marks(" ".join(x.value for x in told)).replace("\\", "")


@pytest.mark.parametrize("d", ["1", "64", "1024"])
def test_random_vectors_need_no_run_of_the_model_and_their_code_makes_them(
    open_page, assert_codes_make_the_numbers, monkeypatch, d
):
    def runs(*_: object) -> None:
        raise AssertionError("the model runs")

    monkeypatch.setattr(LanguageModel, "trace", runs)
    app = open_page("random", d=d, d_seed="4")
    assert not app.error
    assert_codes_make_the_numbers({"random_weights", "as_d_grows"})


def test_the_text_s_own_query_is_shown_with_the_model_s_divisor(
    open_page, assert_codes_make_the_numbers
):
    app = open_page("text", layer=1, head=1, position=4)
    assert not app.error
    assert "in L1 H1: this model divides by **√4 = 2.00**" in words(app)
    assert_codes_make_the_numbers({"text_weights"})


def test_one_key_alone_has_an_entropy_of_0(open_page):
    told = words(open_page("text", position=0))
    assert "an entropy of **0.00** nats over 1 token." in told
    assert "it would be **0.00**" in told


def test_a_model_that_divides_by_one_is_told(open_page):
    app = open_page("text", model="whole")
    assert not app.error
    assert "scores are divided by 1" in words(app)


def test_a_broken_model_ends_in_a_sentence(open_page):
    assert "no score to divide; choose another model" in words(open_page("text", model="void"))


@pytest.mark.parametrize("value", ["", "3", "abc", "-1"])
def test_what_is_no_choice_is_passed_over(open_page, value):
    assert not open_page("random", **dict.fromkeys(("d", "d_seed"), value)).error
