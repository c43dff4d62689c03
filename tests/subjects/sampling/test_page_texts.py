"""The texts that the sampling page writes by itself: the one that follows the sliders, and columns.

What they hold is compared with `generate`, and with logits that transformers' processors change.
"""

import itertools
import json
from collections.abc import Callable
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

import gptviz
from gptviz.subjects.sampling.analysis import PRESETS
from gptviz.subjects.sampling.book import Book

PROMPT = "To be, or not to be"
OFF = {"temperature": 1, "top_k": 0}


def ids_of(text: dict[str, Any]) -> list[int]:
    return [token["id"] for token in text["tokens"]]


def generated(seed: int, n: int = 40, **settings: Any) -> list[int]:
    return [step.id for step in gptviz.load("letters").generate(PROMPT, n, seed=seed, **settings)]


@pytest.fixture
def columns(component: Callable[[AppTest, str], Any]) -> Callable[[AppTest], list[dict[str, Any]]]:
    """The texts that stand side by side in a tab."""
    return lambda app: json.loads(component(app, "columns").json)["texts"]


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"temperature": 0.5, "top_k": 9, "top_p": 0.8, "repetition_penalty": 1.2},
        {"min_p": 0.1, "typical_p": 0.6, "no_repeat_ngram_size": 2},
        {"temperature": 0},
    ],
)
def test_the_first_view_holds_what_generate_writes_with_these_settings_and_this_seed(
    open_sampling, texts, settings
):
    (text,) = texts(open_sampling(seed=5, **settings))
    usual = {"temperature": 0.8, "top_k": 40}
    assert ids_of(text) == generated(5, **{**usual, **settings})
    assert text["done"]
    off = {"top_p": 1, "repetition_penalty": 1}
    off |= {"min_p": 0, "typical_p": 1, "no_repeat_ngram_size": 0}
    assert text["settings"] == {**off, **usual, **settings}
    assert text["seed"] == 5
    assert text["prompt"] == PROMPT


def test_another_setting_writes_the_text_anew_and_marks_where_it_parts(
    open_sampling, checked, texts, choose
):
    app = open_sampling(seed=3)
    first = ids_of(texts(app)[0])
    assert texts(app)[0]["compared"] is False
    (text,) = texts(checked(choose(app, temperature=1.2)))
    second = ids_of(text)
    assert second == generated(3, temperature=1.2, top_k=40)
    assert text["compared"]
    assert text["parting"] == next(i for i in range(40) if first[i] != second[i])
    # Another tab changes no setting, so the text is compared with what it was compared with.
    app.session_state["tab_title"] = "Stage by stage"
    assert texts(checked(app.run()))[0]["parting"] == text["parting"]


def test_settings_that_change_no_token_are_said_to_change_none(
    open_sampling, checked, texts, choose
):
    app = choose(open_sampling(temperature=0), top_p=0.9)
    (text,) = texts(checked(app))
    assert text["compared"]
    assert text["parting"] is None


def test_texts_after_different_prompts_are_not_compared(open_sampling, checked, texts):
    app = open_sampling()
    app.session_state["prompt"] = "ROMEO"
    app.run()
    assert texts(checked(app))[0]["compared"] is False


def test_a_text_that_is_still_to_be_written_is_announced_without_a_token(
    open_sampling, texts, choose, monkeypatch: pytest.MonkeyPatch
):
    """So that no text stands beside settings that did not make it."""
    app = open_sampling(seed=11)
    monkeypatch.setattr(Book, "finish", lambda *_: None)  # it has not begun
    (text,) = texts(choose(app, temperature=1.9))
    assert text["tokens"] == []
    assert not text["done"]
    assert text["settings"]["temperature"] == 1.9


def test_five_temperatures_stand_side_by_side_with_the_same_dice_and_the_other_rules(
    open_sampling, columns
):
    shown = columns(open_sampling(tab="temperatures", seed=4, top_k=7, top_p=0.9))
    assert [text["settings"]["temperature"] for text in shown] == [0, 0.5, 0.8, 1, 1.5]
    for text in shown:
        temperature = text["settings"]["temperature"]
        assert ids_of(text) == generated(4, temperature=temperature, top_k=7, top_p=0.9)
    for one, other in itertools.pairwise(shown):
        pairs = enumerate(zip(ids_of(one), ids_of(other), strict=True))
        assert other["parting"] == next((i for i, (a, b) in pairs if a != b), None)


def test_the_presets_stand_side_by_side_with_their_measures(open_sampling, columns):
    app = open_sampling(tab="presets", seed=4, temperature=1.7)
    shown = columns(app)
    assert [text["name"] for text in shown] == list(PRESETS)
    for text, preset in zip(shown, PRESETS.values(), strict=True):
        assert text["note"]
        assert ids_of(text) == generated(4, temperature=preset.temperature, top_k=preset.top_k)
    measures = app.dataframe[0].value.set_index("measure")
    assert list(measures) == list(PRESETS)
    pairs = set(itertools.pairwise(ids_of(shown[0])))
    said_before = measures.loc["2 tokens said before", "greedy"]
    assert said_before == pytest.approx(1 - len(pairs) / 39)


def test_two_settings_throw_the_same_dice(open_sampling, columns):
    query = {"tab": "two-settings", "temperature": 0.6, "top_k": 0, "seed": 4}
    app = open_sampling(**query, b_temperature=1.4, b_top_k=0, compare_length=25)
    one, other = columns(app)
    assert (one["name"], other["name"]) == ("A", "B")
    assert ids_of(one) == generated(4, 25, temperature=0.6)
    assert ids_of(other) == generated(4, 25, temperature=1.4)
    app.number_input(key="seed").set_value(9).run()
    assert ids_of(columns(app)[0]) == generated(9, 25, temperature=0.6)


def test_each_of_two_texts_ends_after_a_stop_sequence(open_sampling, columns, letters):
    text = letters.decode(generated(4, temperature=0.8, top_k=40))
    stop = next(sign for sign in text[5:] if sign.isalnum())
    shown = columns(open_sampling(tab="two-settings", seed=4, compare_stop=[stop]))
    assert letters.decode(ids_of(shown[0])) == text[: text.index(stop) + 1]
