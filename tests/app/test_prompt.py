"""The text above the pages: where it comes from, and what is told about how it is read."""

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

import gptviz
from gptviz import GPT, GPTConfig, checkpoints
from gptviz.app.examples import EXAMPLES
from gptviz.tokenizers import CharacterTokenizer, GPT2Tokenizer

KING = "The king and the queen"


@pytest.fixture(autouse=True)
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A tiny model that reads all there is, and one that knows few letters."""
    monkeypatch.setenv("GPTVIZ_CHECKPOINTS", str(tmp_path))
    letters = CharacterTokenizer.from_text("abc ")
    for name, tokenizer in (("any", GPT2Tokenizer()), ("letters", letters)):
        config = GPTConfig(tokenizer.vocab_size, block_size=32, n_layer=1, n_head=1, n_embd=4)
        checkpoints.save(tmp_path / name, GPT(config), tokenizer)


def captions(app: AppTest) -> str:
    return " ".join(caption.value for caption in app.main.caption)


def likeliest(app: AppTest) -> list[int]:
    return app.dataframe[0].value["id"].tolist()[:10]


def expected(text: str | list[int], model: str = "any") -> list[int]:
    return gptviz.load(model).trace(text).logits[-1].topk(10).indices.tolist()


def put(app: AppTest, text: str) -> AppTest:
    """What the box does when it sends a text."""
    app.session_state["prompt"] = text
    app.run()
    assert not app.exception
    return app


def test_the_text_of_the_address_is_read_and_a_new_one_goes_there(open_app):
    app = open_app(model="any", prompt=KING)
    assert likeliest(app) == expected(KING)
    put(app, "To be or not")
    assert likeliest(app) == expected("To be or not")
    assert app.query_params["prompt"] == "To be or not"


def test_an_address_that_comes_late_takes_back_nothing_that_was_typed(open_app):
    app = put(open_app(model="any", prompt=KING), "To be")
    app.query_params["prompt"] = KING  # sent before the last answer had arrived
    app.run()
    assert app.session_state["prompt"] == app.query_params["prompt"] == "To be"
    assert likeliest(app) == expected("To be")


def test_an_address_without_a_text_means_the_first_example_and_stays_short(open_app):
    app = open_app(model="any")
    assert likeliest(app) == expected(EXAMPLES[0].text)
    assert "prompt" not in app.query_params


def test_an_empty_text_keeps_the_picture_of_the_last_one_and_says_so(open_app):
    app = put(open_app(model="any", prompt=KING), "")
    assert not app.error
    assert likeliest(app) == expected(KING)
    assert f"The box is empty. What you see is of “{KING}”." in captions(app)
    assert app.query_params["prompt"] == ""
    app.switch_page("pages/tokens.py").run()
    assert not app.error
    assert "The box is empty" in captions(app)
    put(app, "To be")
    assert "The box is empty" not in captions(app)


def test_a_first_visit_with_an_empty_text_shows_an_example(open_app):
    app = open_app(model="any", prompt="")
    assert likeliest(app) == expected(EXAMPLES[0].text)
    assert f"The box is empty. What you see is of “{EXAMPLES[0].text}”." in captions(app)


def test_of_a_long_text_the_last_tokens_are_read_and_the_rest_is_counted(open_app):
    text = "".join(f" {number}" for number in range(40))
    ids = GPT2Tokenizer().encode(text)
    app = open_app(model="any", prompt=text)
    assert not app.error
    assert likeliest(app) == expected(ids[-32:])
    assert f"only the last 32 tokens are read, from “{40 - 32} 9 10" in captions(app)
    assert f"on. {len(ids) - 32} tokens before them are left out." in captions(app)
    assert app.session_state["prompt"] == text, "the box keeps it all"
    put(app, text[-40:])
    assert "Too long" not in captions(app)


def test_of_a_book_it_is_not_counted_how_many_tokens_are_left_out(open_app):
    app = put(open_app(model="any"), "x " * 100_000)
    assert "More than 9,969 tokens before them are left out" in captions(app)


def test_positions_count_from_the_first_token_that_is_read(open_app):
    text = "".join(f" {number}" for number in range(40))
    app = open_app(model="any", prompt=text, position="0")
    came = app.dataframe[0].value
    assert came[came["came next"] == "✔"]["token"].item() == "·9"


def test_a_symbol_that_the_tokenizer_lacks_is_told_and_an_example_is_the_way_out(open_app):
    app = open_app(model="letters", prompt="abΔ")
    assert not app.exception
    assert "Δ" in app.error[0].value
    assert "Or choose an example above" in app.error[0].value.replace("\\", "")
    assert [e for e in app.main if e.type == "bidi_component" and e.key == "prompt_box"]
    put(app, "abc")
    assert not app.error


def test_the_code_of_a_long_text_gives_the_numbers_shown(open_app, assert_codes_make_the_numbers):
    app = open_app(model="any", prompt="안녕 " * 20)
    assert not app.error
    app.toggle(key="path_numbers").set_value(True).run()
    assert_codes_make_the_numbers({"path"})


def test_a_model_that_is_not_there_is_told_until_another_is_chosen(open_app):
    app = open_app(model="no-*such*-model", prompt="abc")
    assert not app.error
    assert app.selectbox(key="model").value == "any"
    said = app.warning[0].value.replace("\\", "")
    assert said == "There is no model “no-*such*-model” here. What you see is of “any”."
    app.run()
    assert app.warning, "not only for the blink of an eye"
    app.selectbox(key="model").set_value("letters").run()
    assert not app.warning
    assert not open_app(model="letters", prompt="abc").warning
