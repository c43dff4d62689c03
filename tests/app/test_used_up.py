"""A visitor of a class who has used the processor for long enough reads so where it would go on."""

import pytest

from gptviz import checkpoints
from gptviz.app import allowance, visitors
from gptviz.app.limits import Limits
from gptviz.app.visitors import Rules, Visitor

SENTENCE = (
    "You have used 9 s of the processor in the last minute for what takes long, and each visitor "
    "of this class may use 5 s; wait a minute, choose a shorter text, or ask the teacher."
)
PROMPT = "used up: the cat sat"


@pytest.fixture(autouse=True)
def _used_up(tmp_path, monkeypatch, tiny_lm):
    checkpoints.save(tmp_path / "tiny", tiny_lm.model, tiny_lm.tokenizer)
    monkeypatch.setenv("GPTVIZ_CHECKPOINTS", str(tmp_path))
    monkeypatch.setattr(visitors, "here", lambda: Visitor("a" * 16))
    monkeypatch.setattr(visitors, "_rules", Rules(is_shared=True, limits=Limits(max_seconds=5)))
    monkeypatch.setattr(allowance, "used", lambda _: 9.0)


def said(app) -> str:
    return " ".join(one.value for one in [*app.main.info, *app.main.error]).replace("\\", "")


@pytest.mark.parametrize(
    ("page", "query"),
    [
        ("what_if", {"tab": "each-head"}),
        ("what_if", {"tab": "text"}),
        ("patching", {"corrupted": "some other text sits", "answer": 3, "other_answer": 5}),
        ("sampling", {}),
        ("sampling", {"tab": "temperatures"}),
        ("embeddings", {"tab": "map", "map_method": "t-sne"}),
    ],
)
def test_long_work_does_not_begin(open_app, page, query):
    app = open_app(page, prompt=PROMPT, **query)
    assert SENTENCE in said(app)


def test_it_begins_again_when_there_is_something_left(open_app, monkeypatch):
    app = open_app("what_if", prompt=PROMPT, tab="each-head")
    monkeypatch.setattr(allowance, "used", lambda _: 0.0)
    (again,) = (button for button in app.button if button.label == "Begin again")
    again.click().run()
    assert not app.exception
    assert SENTENCE not in said(app)


@pytest.mark.parametrize("key", ["write_one", "write_on"])
def test_the_model_writes_no_further(open_app, key):
    app = open_app(prompt=PROMPT)
    assert SENTENCE not in said(app)
    app.button(key=key).click().run()
    assert SENTENCE in said(app)
    assert app.session_state["prompt"] == PROMPT


@pytest.mark.parametrize("tab", ["beams", "ranked", "grid"])
def test_nothing_is_searched_ranked_or_measured(open_app, tab):
    app = open_app("sampling", prompt=PROMPT, tab=tab)
    assert said(app).count(SENTENCE) == 2  # of the text above, too
    assert not app.get("plotly_chart")


def test_the_cache_is_not_measured(open_app):
    app = open_app("sampling", prompt=PROMPT, tab="cache")
    app.button(key="measure_cache").click().run()
    assert said(app).count(SENTENCE) == 2
    assert not app.get("plotly_chart")


def test_neither_does_the_tree_of_texts_grow(open_app):
    app = open_app("sampling", prompt=PROMPT, tab="write")
    app.button(key="write").click().run()
    assert said(app).count(SENTENCE) == 2  # of the text above, too


def test_pages_that_need_little_are_drawn(open_app):
    for page in ("attention", "residual", "tokens"):
        assert not said(open_app(page, prompt=PROMPT))


def test_pairs_are_learnt_from_a_text_only_within_the_limit(open_app):
    app = open_app("training")
    assert SENTENCE not in said(app)
    app.selectbox(key="new_tokenizer").set_value("bpe").run()
    assert SENTENCE in said(app)
    assert app.button(key="start").disabled
