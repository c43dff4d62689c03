"""A special token before the text, and the names of special tokens in it."""

import json
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest
from transformers import AutoTokenizer

from gptviz import GPT, GPTConfig, checkpoints, load
from gptviz.app.pages import PAGES
from gptviz.tokenizers import CharacterTokenizer, GPT2Tokenizer

TEXT = "a<|endoftext|>b"
BEFORE = "The king <|endoftext|> and the queen"
AFTER = "The queen <|endoftext|> and the king"
END = 50_256


@pytest.fixture(autouse=True)
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """`usual`, and `begun`, whose files say that each text begins with the end of one."""
    monkeypatch.setenv("GPTVIZ_CHECKPOINTS", str(tmp_path))
    name = "<|endoftext|>"
    beside = {"tokenizer_class": "GPT2Tokenizer", "bos_token": name, "eos_token": name}
    for model, begins in (("usual", False), ("begun", True)):
        config = GPTConfig(block_size=24, n_layer=2, n_head=2, n_embd=4)
        checkpoints.save(tmp_path / model, GPT(config), GPT2Tokenizer())
        file = tmp_path / model / "tokenizer_config.json"
        file.write_text(json.dumps(beside | {"add_bos_token": begins}), encoding="utf-8")
    return tmp_path


def ids(app: AppTest) -> list[int]:
    """The ids in the table of the page Tokens."""
    assert not app.exception
    assert not app.error
    return app.dataframe[0].value["id"].tolist()


def right(models: Path, text: str, **settings: bool) -> list[int]:
    tokenizer = AutoTokenizer.from_pretrained(models / "usual")
    return tokenizer.encode(text, add_special_tokens=False, **settings)


@pytest.mark.parametrize(
    ("model", "query", "n_before", "is_token"),
    [
        ("usual", {}, 0, False),
        ("usual", {"begin": "token"}, 1, False),
        ("usual", {"special": "token"}, 0, True),
        ("usual", {"begin": "token", "special": "token"}, 1, True),
        ("usual", {"begin": "nonsense", "special": "True"}, 0, False),
        ("begun", {}, 1, False),
        ("begun", {"begin": "nothing"}, 0, False),
    ],
)
def test_a_text_is_read_as_transformers_reads_it(
    open_app, models, model, query, n_before, is_token
):
    app = open_app("tokens", model=model, prompt=TEXT, tab="table", **query)
    expected = right(models, TEXT, split_special_tokens=not is_token)
    assert (END in expected) is is_token
    assert ids(app) == [END] * n_before + expected


def test_the_token_before_a_long_text_stays_where_its_beginning_is_left_out(open_app, models):
    text = "The king and the queen went to the wood. " * 5
    app = open_app("tokens", model="usual", prompt=text, tab="table", begin="token")
    assert ids(app) == [END, *right(models, text)[-23:]]
    assert f"the last {24} tokens" in " ".join(caption.value for caption in app.caption)


@pytest.mark.parametrize("name", PAGES)
def test_every_page_reads_both(open_app, name):
    query = {"corrupted": AFTER} if name == "patching" else {}
    app = open_app(name, model="usual", prompt=BEFORE, begin="token", special="token", **query)
    assert not app.error
    assert not app.warning


def test_both_choices_come_along_to_another_page(open_app):
    app = open_app("attention", model="usual", prompt=TEXT, special="token")
    app.pills(key="begin").set_value("token").run()
    app.switch_page(PAGES["tokens"].file).run()
    assert ids(app) == [END, 64, END, 65]
    assert app.query_params["begin"] == "token"


def test_what_was_written_goes_on_behind_a_token_before_it(open_app, models):
    app = open_app(model="usual", prompt="The king", begin="token")
    app.button(key="write_one").click().run()
    before = [END, *right(models, "The king")]
    steps = load("usual").generate(before, 1, temperature=0.8, top_k=40, seed=0)
    app.switch_page(PAGES["tokens"].file).run()
    assert ids(app) == [*before, *(step.id for step in steps)]


def test_a_model_whose_texts_begin_with_another_token_gets_that_one(open_app, models):
    name = "<s>"
    checkpoints.save(
        models / "other",
        GPT(GPTConfig(50_258, block_size=24, n_layer=1, n_head=1, n_embd=4)),
        GPT2Tokenizer(),
    )
    beside = {"tokenizer_class": "GPT2Tokenizer", "bos_token": name, "add_bos_token": True}
    file = models / "other" / "tokenizer_config.json"
    file.write_text(json.dumps(beside), encoding="utf-8")
    tokenizer = AutoTokenizer.from_pretrained(models / "other")
    app = open_app("tokens", model="other", prompt="a", tab="table")
    assert ids(app) == [tokenizer.bos_token_id, 64]


def test_a_tokenizer_without_special_tokens_asks_for_nothing(open_app, models):
    letters = CharacterTokenizer(["a", "b", "<", ">"])
    config = GPTConfig(4, block_size=8, n_layer=1, n_head=1, n_embd=4)
    checkpoints.save(models / "letters", GPT(config), letters)
    app = open_app("tokens", model="letters", prompt="a<b>", tab="table")
    assert not [expander for expander in app.sidebar.expander if "Special" in expander.label]
