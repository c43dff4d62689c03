"""The examples above every page: each shows one thing, and says which."""

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from gptviz import GPT, GPTConfig, checkpoints
from gptviz.app.examples import EXAMPLES, PLAYS, TALES
from gptviz.tokenizers import GPT2Tokenizer

OWN = "my-model"


@pytest.fixture(autouse=True)
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tiny models under the names of those on board, and one of a learner."""
    monkeypatch.setenv("GPTVIZ_CHECKPOINTS", str(tmp_path))
    model = GPT(GPTConfig(50257, block_size=64, n_layer=1, n_head=1, n_embd=4))
    for name in (TALES, PLAYS, OWN):
        checkpoints.save(tmp_path / name, model, GPT2Tokenizer())


def captions(app: AppTest) -> list[str]:
    return [caption.value for caption in app.caption]


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
def test_an_example_brings_its_text_its_reason_and_its_model(open_app, example):
    app = open_app()
    app.pills(key="example").set_value(example.name).run()
    assert not app.exception
    assert not app.error
    assert app.session_state["prompt"] == example.text
    assert app.selectbox(key="model").value == example.model
    assert example.reason in captions(app)
    others = {other.reason for other in EXAMPLES} - {example.reason}
    assert not others & set(captions(app))
    assert app.pills(key="example").value is None, "it can be chosen again"


def test_the_page_opens_with_the_first_example_and_its_reason(open_app):
    app = open_app()
    assert app.session_state["prompt"] == EXAMPLES[0].text
    assert EXAMPLES[0].reason in captions(app)


def test_a_tale_after_the_play_comes_back_to_the_tales(open_app):
    app = open_app()
    play = next(example for example in EXAMPLES if example.model == PLAYS)
    app.pills(key="example").set_value(play.name).run()
    app.pills(key="example").set_value(EXAMPLES[0].name).run()
    assert app.selectbox(key="model").value == TALES


def test_a_model_of_ones_own_stays(open_app):
    app = open_app(model=OWN)
    for example in EXAMPLES:
        app.pills(key="example").set_value(example.name).run()
        assert app.selectbox(key="model").value == OWN
        assert app.session_state["prompt"] == example.text


def test_a_text_of_ones_own_has_no_reason(open_app):
    app = open_app(prompt="The cat sat on the")
    assert not {example.reason for example in EXAMPLES} & set(captions(app))


def test_without_the_examples_model_the_present_one_stays(open_app, tmp_path: Path):
    for file in (tmp_path / PLAYS).iterdir():
        file.unlink()
    app = open_app()
    play = next(example for example in EXAMPLES if example.model == PLAYS)
    app.pills(key="example").set_value(play.name).run()
    assert not app.exception
    assert app.selectbox(key="model").value == TALES
