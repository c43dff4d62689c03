"""The page Positions, entered through the app."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

PROMPT = "The *king*_"
CODES = {
    "matrix": {"position_matrix"},
    "added": {"position_added"},
    "shuffled": {"shuffling", "guesses"},
}


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory, save_random: Callable[..., None]) -> Path:
    root = tmp_path_factory.mktemp("models")
    save_random(root / "first")
    save_random(root / "waves", position="sinusoidal", norm="post")
    save_random(root / "bare", position="none", norm="none")
    save_random(root / "void", is_void=True)
    return root


@pytest.fixture(autouse=True)
def _use(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GPTVIZ_CHECKPOINTS", str(models))


@pytest.fixture
def open_page(open_app: Callable[..., AppTest]) -> Callable[..., AppTest]:
    def opened(tab: str = "matrix", **query: object) -> AppTest:
        return open_app("positions", **{"model": "first", "prompt": PROMPT, "tab": tab, **query})

    return opened


def words(app: AppTest) -> str:
    told = [*app.markdown, *app.caption, *app.error]
    return " ".join(element.value for element in told).replace("\\", "")


@pytest.mark.parametrize("model", ["first", "waves", "bare"])
def test_the_code_under_each_picture_gives_its_numbers(
    open_page, assert_codes_make_the_numbers, model
):
    for tab in CODES:
        app = open_page(tab, model=model, position=3, position_kind="own", order_seed=2)
        assert not app.error
    assert_codes_make_the_numbers(set.union(*CODES.values()))


@pytest.mark.parametrize(
    ("model", "told"),
    [
        ("first", "This model learnt its position vectors"),
        ("waves", "This model has waves itself"),
        ("bare", "This model has no position vectors"),
    ],
)
def test_a_model_s_own_positions_are_told(open_page, model, told):
    assert told in words(open_page(model=model, position_kind="own"))
    assert "hands of many clocks" in words(open_page(model=model))


def test_the_sum_is_checked_against_the_run(open_page):
    told = words(open_page("added", position=2))
    assert "✅ In this run, `embed[2]` is that sum" in told


def test_numbers_below_0_or_next_to_it_have_a_minus(open_page):
    told = words(open_page("added", position=3))
    (apart,) = re.findall(r"that sum: (\S+) apart", told)
    assert re.fullmatch(r"0|\d\.\de−\d\d", apart)


def test_another_seed_shuffles_in_another_order(open_page):
    app = open_page("shuffled")
    shown = app.main.code[0].value
    assert sorted(shown) == sorted(PROMPT)
    assert shown[-1] == PROMPT[-1]
    app.number_input(key="order_seed").set_value(1).run()
    assert app.main.code[0].value != shown


def test_a_text_that_is_too_short_to_shuffle_ends_in_a_sentence(open_page):
    (error,) = open_page("shuffled", prompt="ab").error
    assert "nothing to shuffle before the last token" in error.value.replace("\\", "")


@pytest.mark.parametrize("tab", ["added", "shuffled"])
def test_a_broken_model_ends_in_a_sentence(open_page, tab):
    assert "nothing to add or to compare; choose another model" in words(
        open_page(tab, model="void")
    )


@pytest.mark.parametrize("value", ["", "-1", "abc", "9" * 5000, "²"])
def test_what_is_no_choice_is_passed_over(open_page, value):
    for tab in CODES:
        keys = ("position", "position_kind", "order_seed")
        assert not open_page(tab, **dict.fromkeys(keys, value)).error
