"""The tokens page, entered through the app."""

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch
from streamlit.testing.v1 import AppTest

from gptviz import checkpoints
from gptviz.app import show
from gptviz.app.code import Code
from gptviz.model import GPT, GPTConfig
from gptviz.subjects.tokens.analysis import SENTENCES, token_table
from gptviz.tokenizers import CharacterTokenizer, GPT2Tokenizer, Tokenizer, merge_steps

GPT2 = GPT2Tokenizer()
LETTERS = CharacterTokenizer.from_text("ROMEO: abcdefghijklmnopqrstuvwxyz")
TABS = {
    "table": "Table",
    "merges": "Merges",
    "side-by-side": "Side by side",
    "costs": "What a sentence costs",
    "vocabulary": "Vocabulary",
}
TRICKS = "<b>x</b><script>alert(1)</script> **a** [b](http://c.d) $x$ `y` :red[z] 안녕 👩‍👩‍👧"


def save_tiny(folder: Path, tokenizer: Tokenizer) -> None:
    config = GPTConfig(tokenizer.vocab_size, block_size=256, n_layer=1, n_head=2, n_embd=8)
    checkpoints.save(folder, GPT(config, torch.Generator().manual_seed(0)), tokenizer)


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("models")
    save_tiny(root / "bpe", GPT2)
    save_tiny(root / "letters", LETTERS)
    return root


@pytest.fixture(autouse=True)
def _use(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GPTVIZ_CHECKPOINTS", str(models))


@pytest.fixture
def open_tokens(open_app: Callable[..., AppTest]) -> Callable[..., AppTest]:
    return partial(open_app, "tokens")


def drawn(app: AppTest, key: str) -> dict[str, Any]:
    component = next(e for e in app.main if e.type == "bidi_component" and e.key == key)
    return json.loads(component.proto.json)


def pieces(app: AppTest, key: str = "pieces", row: int = 0) -> list[str]:
    return [chip["piece"] for chip in drawn(app, key)["rows"][row]["chips"]]


def captions(app: AppTest) -> str:
    return " ".join(caption.value for caption in app.main.caption)


def test_the_page_opens_on_the_pieces_of_a_real_prompt_with_ids(open_tokens):
    app = open_tokens()
    ids = GPT2.encode(app.session_state["prompt"])
    assert pieces(app) == GPT2.pieces(ids)
    row = drawn(app, "pieces")["rows"][0]["chips"]
    assert [chip["under"] for chip in row] == [str(token) for token in ids]
    assert all(chip["hover"].startswith("id ") for chip in row)


def test_characters_a_token_is_one_number_with_a_sentence(open_tokens):
    app = open_tokens(prompt="The king and the queen")
    n_tokens = len(GPT2.encode("The king and the queen"))
    assert f"## {22 / n_tokens:.2f} characters a token" in [m.value for m in app.main.markdown]
    assert f"Characters: 22, tokens: {n_tokens}." in captions(app)


def test_the_table_lists_position_id_piece_and_bytes_and_can_be_downloaded(open_tokens):
    app = open_tokens(prompt="안 cat")
    assert app.dataframe[0].value.equals(token_table(GPT2, GPT2.encode("안 cat")))
    assert [button.label for button in app.main.get("download_button")] == ["Download as CSV"]


@pytest.mark.parametrize("tab", TABS)
def test_text_of_the_user_reaches_no_markdown_in_any_tab(open_tokens, tab: str):
    app = open_tokens(prompt=TRICKS, tab=tab)
    assert not app.error
    assert pieces(app) == GPT2.pieces(GPT2.encode(TRICKS))
    for element in [*app.main.markdown, *app.main.caption]:
        assert not any(piece in element.value for piece in ("alert", "http", ":red", "안", "👩"))


@pytest.mark.parametrize("tab", TABS)
def test_only_the_tab_that_is_open_is_computed(open_tokens, tab: str):
    app = open_tokens(tab=tab)
    assert [opened.label for opened in app.tabs if len(opened.children)] == [TABS[tab]]


@pytest.mark.parametrize("prompt", ["O Romeo, 'twas\n\tthe trace", TRICKS])
@pytest.mark.parametrize("tab", ["merges", "side-by-side", "costs"])
def test_the_code_of_each_picture_gives_the_numbers_shown(
    open_tokens, tab: str, prompt: str, monkeypatch: pytest.MonkeyPatch
):
    pictures: list[tuple[pd.DataFrame, Code]] = []
    monkeypatch.setattr(show, "numbers", lambda table, _key, code: pictures.append((table, code)))
    open_tokens(prompt=prompt, tab=tab, position="1")
    ((table, code),) = pictures
    made: dict[str, Any] = {}
    exec(code.text, made)
    pd.testing.assert_frame_equal(made["table"], table, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("query", "chosen"),
    [
        ({}, 6),
        ({"position": "2"}, 2),
        ({"position": "99"}, 6),
        ({"position": "-1"}, 6),
        ({"position": "drop table"}, 6),
        ({"position": "2", "tab": "nonsense", "layer": "x", "head": "12", "junk": "1"}, 2),
    ],
)
def test_the_url_chooses_a_token_and_bad_values_are_dropped(
    open_tokens, query: dict[str, str], chosen: int
):
    app = open_tokens(prompt="one two three one two three one", **query)
    assert not app.error
    assert drawn(app, "pieces")["chosen"] == chosen
    assert not app.slider, "nothing repeats what a click on a token does"


def test_of_a_prompt_that_is_too_long_the_last_tokens_are_read(open_tokens):
    app = open_tokens(prompt="love " * 300)
    ids = GPT2.encode("love " * 300)
    assert pieces(app) == GPT2.pieces(ids[-256:])
    assert f"{len(ids) - 256} tokens before them are left out" in captions(app)


def test_a_long_prompt_keeps_every_piece_and_says_where_its_ids_are(open_tokens):
    app = open_tokens(prompt="love " * 120)
    assert len(pieces(app)) == 121
    assert not any(chip["under"] for chip in drawn(app, "pieces")["rows"][0]["chips"])
    assert "Point at a piece to see its id." in captions(app)


def test_the_merges_of_the_chosen_token_s_word_are_replayed_step_by_step(open_tokens):
    app = open_tokens(prompt="O unbelievable Romeo", position="1", tab="merges")
    steps = merge_steps(GPT2, " unbelievable")
    rows = drawn(app, "merges")["rows"]
    assert [row["name"] for row in rows] == ["bytes"] + [f"rank {s.rank:,}" for s in steps[1:]]
    for row, step in zip(rows[1:], steps[1:], strict=True):
        assert [chip["width"] for chip in row["chips"]] == [len(part) for part in step.parts]
        (marked,) = [chip for chip in row["chips"] if chip["marked"]]
        assert marked["piece"] == GPT2.pieces([GPT2.encode(step.merged.decode())[0]])[0]
    app.slider(key="merges  unbelievable").set_value(3).run()
    assert drawn(app, "merges")["rows"] == rows[:4]


def test_any_typed_word_is_replayed(open_tokens):
    app = open_tokens(tab="merges")
    app.text_input(key="merged_word").set_value(" the").run()
    assert pieces(app, "merges", row=0) == ["·", "t", "h", "e"]
    assert pieces(app, "merges", row=-1) == ["·the"]


@pytest.mark.parametrize("typed", ["two words", "<i>x</i>", "長" * 100])
def test_what_is_no_single_short_word_is_refused_in_words(open_tokens, typed: str):
    app = open_tokens(tab="merges")
    app.text_input(key="merged_word").set_value(typed).run()
    assert not app.exception
    assert app.error[0].value.startswith("There is nothing to replay")
    assert "<" not in app.error[0].value.replace("\\<", "")


def test_a_word_without_merges_stays_as_it_is(open_tokens):
    app = open_tokens(prompt="a", tab="merges")
    assert pieces(app, "merges") == ["a"]
    assert "No two neighbours here have a rank" in captions(app)


def test_a_long_word_is_drawn_in_part_and_the_page_says_so(open_tokens):
    app = open_tokens(prompt="x" * 240, tab="merges")
    steps = merge_steps(GPT2, "x" * 240)
    rows = drawn(app, "merges")["rows"]
    assert sum(len(row["chips"]) for row in rows) <= 1_000
    assert f"Not drawn: the {len(steps) - len(rows)} rows before." in captions(app)


def test_a_model_without_merges_says_so_in_one_sentence(open_tokens):
    app = open_tokens(model="letters", prompt="ROMEO: love", tab="merges")
    assert "has no merges of bytes to replay" in app.error[0].value.replace("\\", "")


def test_three_tokenizers_cut_the_same_text_side_by_side(open_tokens):
    app = open_tokens(prompt="ROMEO: love", tab="side-by-side")
    rows = drawn(app, "side_by_side")["rows"]
    assert [row["name"] for row in rows] == [
        "GPT-2 BPE (this model's)",
        "characters of Shakespeare",
        "UTF-8 bytes",
    ]
    assert pieces(app, "side_by_side", row=0) == GPT2.pieces(GPT2.encode("ROMEO: love"))
    assert pieces(app, "side_by_side", row=1) == list("ROMEO:·love")
    assert rows[2]["chips"][0]["hover"] == "id 82 · bytes 52"


def test_a_tokenizer_that_lacks_a_character_says_which(open_tokens):
    row = drawn(open_tokens(prompt="안녕", tab="side-by-side"), "side_by_side")["rows"][1]
    assert row["chips"] == []
    assert row["note"].startswith("cannot write this text: the character 안 (U+C548)")


def test_the_costs_of_a_sentence_have_a_chart_a_table_and_the_pieces(open_tokens):
    app = open_tokens(tab="costs")
    assert len(app.main.get("plotly_chart")) == 1
    rows = drawn(app, "sentences")["rows"]
    assert [row["name"] for row in rows] == list(SENTENCES)
    app.toggle(key="costs_numbers").set_value(True).run()
    table = app.dataframe[0].value
    assert table[table["tokenizer"] == "GPT-2 BPE"]["tokens"].tolist() == [
        len(row["chips"]) for row in rows
    ]


def test_a_model_that_lacks_the_characters_of_a_sentence_says_so(open_tokens):
    app = open_tokens(model="letters", prompt="love", tab="costs")
    row = drawn(app, "sentences")["rows"][1]
    assert (row["name"], row["chips"]) == ("Korean", [])
    assert "cannot be written" in row["note"]


def test_the_vocabulary_is_searched_by_text_and_by_id(open_tokens):
    app = open_tokens(tab="vocabulary")
    search = app.text_input(key="vocabulary_query")
    search.set_value("love").run()
    assert app.dataframe[0].value["piece"].tolist()[:2] == ["love", "·love"]
    assert f"{len(app.dataframe[0].value)} of the 50,257 tokens" in captions(app)
    search.set_value("15496").run()
    assert app.dataframe[0].value["piece"].tolist() == ["Hello"]
    search.set_value("<no such token>").run()
    assert app.dataframe[0].value.empty


def test_a_long_text_in_small_pieces_is_drawn_in_part_and_the_page_says_so(open_tokens):
    app = open_tokens(prompt="love " * 120, tab="side-by-side")
    whole, _, in_bytes = drawn(app, "side_by_side")["rows"]
    assert (len(whole["chips"]), len(in_bytes["chips"])) == (121, 200)
    assert "the last 400 are not drawn" in in_bytes["note"]
    assert "not drawn" not in whole["note"]
