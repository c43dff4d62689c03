"""The sampling page of a model that computes what is no number says so, and ends no worse."""

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

APP = Path(__file__).parents[3] / "app.py"
PROMPT = "To be, or not to be"


def open_page(**query: str) -> AppTest:
    app = AppTest.from_file(str(APP), default_timeout=60).switch_page("pages/sampling.py")
    app.query_params.update(prompt=PROMPT, **query)
    return app.run()


@pytest.mark.parametrize("tab", ["Write", "Draw many"])
def test_where_there_is_nothing_to_draw_from_the_page_says_so_and_shows_nothing_else(tab: str):
    app = open_page(model="void", details=tab)
    assert not app.exception
    path, explorer = (problem.value for problem in app.error)
    assert "its path cannot be drawn" in path
    assert "There is nothing to draw the next token from" in explorer
    assert not [e for e in app.main if e.type == "bidi_component"]
    assert not app.tabs


@pytest.mark.parametrize(
    ("tab", "button", "text"), [("Write", "write", "text"), ("Two settings", "compare", "compared")]
)
def test_a_text_ends_in_a_sentence_where_the_model_says_no_numbers_any_more(
    chips, tab: str, button: str, text: str
):
    app = open_page(model="torn", details=tab)
    next(b for b in app.button if b.key == button).click()
    app.run()
    assert not app.exception
    (problem,) = app.error
    assert "are not numbers; choose" in problem.value.replace("\\", "")
    assert "stop_writing" not in [b.key for b in app.button]
    assert len(chips(app, text)) == 31 - len(PROMPT)
