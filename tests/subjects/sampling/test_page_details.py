"""The sampling page draws many times, goes through the stages, and shows the code of all."""

import pandas as pd
import pytest

import gptviz
from gptviz.app import show
from gptviz.app.address import KEYS
from gptviz.app.code import Code
from gptviz.subjects.sampling import analysis

PROMPT = "To be, or not to be"


def test_draws_are_counted_beside_their_probabilities(open_sampling, checked):
    app = open_sampling(tab="draw-many", top_k=5, seed=3)
    app.toggle(key="drawn_numbers").set_value(True).run()
    table = checked(app).dataframe[0].value
    assert table["count"].sum() == 300
    lm = gptviz.load("letters")
    step = next(lm.generate(PROMPT, 1, temperature=0.8, top_k=5, seed=0))
    expected = step.probabilities.topk(5)
    assert table["id"].tolist()[:5] == expected.indices.tolist()
    assert table["probability"].tolist()[:5] == pytest.approx(expected.values.tolist())


def test_stage_by_stage_shows_what_each_rule_leaves_over(open_sampling, checked):
    app = open_sampling(tab="stages", temperature=0)
    app.toggle(key="stages_numbers").set_value(True).run()
    table = checked(app).dataframe[0].value
    assert table["top_p"].tolist()[:2] == [1, 0]
    assert table["removed by"].tolist()[:2] == ["", "temperature"]


@pytest.fixture
def pictures(monkeypatch: pytest.MonkeyPatch) -> dict[str, tuple[pd.DataFrame, Code]]:
    """The numbers and the code of each picture that a page shows from now on."""
    shown = {}
    numbers = show.numbers

    def kept(frame: pd.DataFrame, key: str, code: Code) -> None:
        shown[key] = (frame() if callable(frame) else frame, code)
        numbers(frame, key, code)

    monkeypatch.setattr(show, "numbers", kept)
    return shown


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"temperature": 0},
        {"temperature": 0.7, "top_k": 9, "top_p": 0.8, "repetition_penalty": 1.2, "seed": 5},
    ],
)
@pytest.mark.parametrize(
    ("tab", "picture"),
    [
        ("draw-many", "drawn"),
        ("stages", "stages"),
        ("temperatures", "compared"),
        ("presets", "compared"),
        ("two-settings", "compared"),
    ],
)
def test_the_code_under_each_picture_gives_its_numbers(
    open_sampling, pictures, tab: str, picture: str, settings: dict[str, float]
):
    open_sampling(tab=tab, prompt="To 'trace'\nit", draws=100, compare_length=9, **settings)
    assert pictures.keys() == {"tokens", "text", picture}
    for frame, code in pictures.values():
        names = {}
        exec(code.text, names)
        pd.testing.assert_frame_equal(names["table"], frame, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("tab", ["write", "two-settings", "draw-many"])
def test_every_choice_of_the_page_is_a_listed_key_of_the_address(open_sampling, tab: str):
    app = open_sampling(tab=tab)
    choices = [*app.slider, *app.number_input, *app.multiselect, *app.selectbox, *app.text_area]
    assert {choice.key for choice in choices} <= set(KEYS)


def test_the_numbers_of_the_explorer_are_made_only_when_they_are_asked_for(
    open_sampling, monkeypatch: pytest.MonkeyPatch
):
    made = []
    table = analysis.token_table
    monkeypatch.setattr(analysis, "token_table", lambda *given: made.append(1) or table(*given))
    app = open_sampling()
    assert not made
    app.toggle(key="tokens_numbers").set_value(True).run()
    assert not app.exception
    assert made
