"""The overview in Streamlit's AppTest; a browser proves the rest."""

import json
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

import gptviz
from gptviz.ui.examples import EXAMPLES

APP = Path(__file__).parents[2] / "app.py"


def open_overview(**query: str) -> AppTest:
    app = AppTest.from_file(str(APP), default_timeout=60)
    for key, value in query.items():
        app.query_params[key] = value
    return app.run()


def words(app: AppTest) -> str:
    return " ".join(element.value for element in [*app.caption, *app.markdown, *app.error])


def test_the_first_screen_shows_a_finished_picture_of_a_real_prompt():
    app = open_overview()
    assert not app.exception
    assert not app.error
    lm = gptviz.load("tales")
    top = lm.trace(app.text_area(key="prompt").value).logits[-1].softmax(-1).topk(10)
    shown = app.dataframe[0].value
    assert shown["id"].tolist() == top.indices.tolist()
    assert shown["probability"].tolist() == pytest.approx(top.values.tolist())


def test_the_position_in_the_url_chooses_the_token():
    app = open_overview(prompt="The king and the queen", position="1")
    lm = gptviz.load("tales")
    expected = lm.trace("The king and the queen").logits[1].topk(10).indices.tolist()
    assert app.dataframe[0].value["id"].tolist() == expected


def test_all_self_checks_of_a_run_hold_and_show_their_numbers():
    app = open_overview(prompt="O Romeo, Romeo!")
    marks = [element.value for element in app.markdown if element.value[:1] in "✅❌"]
    assert len(marks) == 4
    assert all(mark.startswith("✅") for mark in marks)
    assert sum("largest error" in element.value for element in app.caption) == 4


@pytest.mark.parametrize(
    "query",
    [
        {"position": "999"},
        {"position": "-1"},
        {"position": "banana"},
        {"model": "../../etc"},
        {"model": "no-such-model", "position": "1.5"},
        {"prompt": "<b>bold</b> **x** $y$ :red[z]"},
        {"prompt": "👩‍👩‍👧 안녕 \u200b"},
        {"prompt": "a"},
    ],
    ids=json.dumps,
)
def test_no_query_ends_in_a_traceback(query: dict[str, str]):
    app = open_overview(**query)
    assert not app.exception
    assert not app.error
    assert len(app.dataframe[0].value) == 10


@pytest.mark.parametrize(
    ("prompt", "sentence"),
    [
        ("", "The prompt is empty"),
        ("word " * 300, "shorten it by"),
        ("x" * 30_000, "30,000 characters are too many"),
    ],
)
def test_a_prompt_that_cannot_be_shown_is_refused_in_words(prompt: str, sentence: str):
    app = open_overview()
    app.text_area(key="prompt").set_value(prompt).run()
    assert not app.exception
    assert sentence in app.error[0].value.replace("\\", "")
    app.pills(key="example").set_value(EXAMPLES[1].name).run()
    assert not app.error
    assert app.text_area(key="prompt").value == EXAMPLES[1].text


def test_text_of_users_is_never_markdown():
    app = open_overview(prompt="**bold** <img src=x onerror=alert(1)>")
    assert "<img" not in words(app)
    assert "**bold**" not in words(app)


def test_the_last_token_stays_chosen_from_prompt_to_prompt():
    app = open_overview()
    for example in EXAMPLES[1:4]:
        app.pills(key="example").set_value(example.name).run()
        lm = gptviz.load("tales")
        last = len(lm.tokenizer.encode(app.text_area(key="prompt").value)) - 1
        assert app.slider(key="position").value == last
    app.slider(key="position").set_value(1).run()
    app.pills(key="example").set_value(EXAMPLES[0].name).run()
    assert app.slider(key="position").value == 1
