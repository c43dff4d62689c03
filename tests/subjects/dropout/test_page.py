"""The page Dropout, entered through the app."""

from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from gptviz import LanguageModel


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory, save_random: Callable[..., None]) -> Path:
    root = tmp_path_factory.mktemp("models")
    save_random(root / "first", attn_pdrop=0.25)
    save_random(root / "void", is_void=True)
    return root


@pytest.fixture
def open_page(
    open_app: Callable[..., AppTest], models: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., AppTest]:
    monkeypatch.setenv("GPTVIZ_CHECKPOINTS", str(models))

    def opened(tab: str, **query: object) -> AppTest:
        return open_app("dropout", **{"model": "first", "prompt": "The king", "tab": tab, **query})

    return opened


def words(app: AppTest) -> str:
    told = [*app.markdown, *app.caption, *app.error]
    return " ".join(x.value for x in told).replace("\\", "")


@pytest.mark.parametrize(
    ("tab", "query", "told"),
    [
        ("numbers", {"drop": "0.2"}, "becomes **1.25 times** as large"),
        ("numbers", {"mode": "evaluation"}, "dropout does **nothing**"),
        ("masks", {"drop": "0.5", "drop_seed": "3"}, "Over 1,000 masks, a 1 comes out as"),
    ],
)
def test_masks_need_no_run_of_the_model_and_their_code_makes_them(
    open_page, assert_codes_make_the_numbers, monkeypatch, tab, query, told
):
    def runs(*_: object) -> None:
        raise AssertionError("the model runs")

    monkeypatch.setattr(LanguageModel, "trace", runs)
    app = open_page(tab, **query)
    assert not app.error
    assert told in words(app)
    assert_codes_make_the_numbers({"dropout" if tab == "numbers" else "averages"})


@pytest.mark.parametrize(
    ("place", "tensor", "share"),
    [
        ("embeddings", "`embed`", 0.1),
        ("attention", "`h.1.attn.pattern[1]`", 0.25),
        ("results", "`h.1.attn`", 0.1),
    ],
)
def test_three_places_of_the_text_s_run(
    open_page, assert_codes_make_the_numbers, place, tensor, share
):
    app = open_page("places", drop_at=place, layer=1, head=1, drop="0.5")
    assert not app.error
    assert f"numbers of {tensor} would be 0" in words(app)
    assert f"own share here is {share:g}" in words(app)
    assert_codes_make_the_numbers({"dropped"})


def test_a_broken_model_ends_in_a_sentence(open_page):
    told = words(open_page("places", model="void"))
    assert "dropout has nothing to leave out; choose another model" in told


def test_what_is_no_number_ends_in_a_sentence(open_page):
    assert "“x” is no number" in words(open_page("numbers", drop_numbers="1 x"))


@pytest.mark.parametrize("value", ["", "1", "abc", "NaN"])
def test_what_is_no_choice_is_passed_over(open_page, value):
    keys = ("drop", "drop_seed", "mode", "drop_at")
    for tab in ("numbers", "places"):
        assert not open_page(tab, **dict.fromkeys(keys, value)).error
