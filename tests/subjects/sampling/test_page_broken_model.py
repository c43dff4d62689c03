"""The sampling page of a model whose numbers are NaN says so, and does not break."""

import json
from collections.abc import Callable
from functools import partial

import pytest
from streamlit.testing.v1 import AppTest

PROMPT = "To be, or not to be"


@pytest.fixture
def open_page(open_app: Callable[..., AppTest]) -> Callable[..., AppTest]:
    return partial(open_app, "sampling", prompt=PROMPT)


@pytest.mark.parametrize("tab", ["write", "draw-many"])
def test_where_there_is_nothing_to_draw_from_the_page_says_so_and_shows_nothing_else(
    open_page, tab: str
):
    app = open_page(model="void", tab=tab)
    path, explorer = (problem.value for problem in app.error)
    assert "its path cannot be drawn" in path
    assert "There is nothing to draw the next token from" in explorer
    drawn = {e.key for e in app.main if e.type == "bidi_component"}
    assert drawn <= {"save", "prompt_box"}, "these belong to every page"
    assert not app.tabs


def problems(app: AppTest) -> set[str]:
    return {problem.value.replace("\\", "") for problem in app.error}


@pytest.mark.parametrize("tab", ["write", "temperatures", "presets", "two-settings"])
def test_a_text_ends_in_a_sentence_where_the_model_says_no_numbers_any_more(
    open_page, texts, component, tab: str
):
    app = open_page(model="torn", tab=tab)
    assert not app.exception
    (problem,) = problems(app)
    assert "are not numbers; choose" in problem
    assert len(texts(app)[-1]["tokens"]) == 31 - len(PROMPT)
    if tab != "write":
        columns = json.loads(component(app, "columns").json)["texts"]
        assert {len(text["tokens"]) for text in columns} == {31 - len(PROMPT)}


def test_what_write_wrote_before_the_model_said_no_numbers_stays(open_page, chips):
    app = open_page(model="torn")
    next(b for b in app.button if b.key == "write").click()
    app.run()
    assert not app.exception
    (problem,) = problems(app)
    assert "are not numbers; choose" in problem
    assert "stop_writing" not in [b.key for b in app.button]
    assert len(chips(app)) == 31 - len(PROMPT)
