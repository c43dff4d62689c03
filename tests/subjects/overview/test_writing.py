"""Writing on the overview: the same tokens as `lm.generate`, whatever they are made of."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from streamlit.testing.v1 import AppTest

import gptviz
from gptviz import GPT, GPTConfig, LanguageModel, checkpoints
from gptviz.app.glossary import without_marks
from gptviz.sampling import SamplingSettings
from gptviz.subjects.overview.writing_analysis import Writer
from gptviz.tokenizers import CharacterTokenizer, GPT2Tokenizer

GPT2 = GPT2Tokenizer()
CONTEXT = 24
# A model of random numbers writes parts of letters and pieces that no tokenizer would cut.
TEXTS = ("The king", "안녕", "👩‍👩‍👧", " \n")
RULES: dict[str, Any] = {"temperature": 1.5, "top_k": 900, "top_p": 0.9, "repetition_penalty": 1.2}


@pytest.fixture(autouse=True)
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A model of random numbers over GPT-2's tokens, and one over letters."""
    monkeypatch.setenv("GPTVIZ_CHECKPOINTS", str(tmp_path))
    for name, tokenizer in (("any", GPT2), ("letters", CharacterTokenizer.from_text("abcdef "))):
        config = GPTConfig(tokenizer.vocab_size, CONTEXT, n_layer=2, n_head=2, n_embd=8)
        model = GPT(config, torch.Generator().manual_seed(1))
        checkpoints.save(tmp_path / name, model, tokenizer)


def press(app: AppTest, label: str, times: int = 1) -> AppTest:
    for _ in range(times):
        next(button for button in app.button if button.label == label).click().run()
        assert not app.exception
        assert not app.error
    return app


def go_on(app: AppTest) -> AppTest:
    """Press the button, and do what the browser does until there is nothing more to write."""
    press(app, "Go on")
    while has_wish(app):
        app.session_state["prompt_wish"] = "again"
        app.run()
    return app


def has_wish(app: AppTest) -> bool:
    """Whether the page asks the browser to come again."""
    return any(e.type == "bidi_component" and e.key == "go_on" for e in app.main)


def tokens(app: AppTest) -> list[int]:
    """The tokens that the picture is of, as far as the page says them."""
    return list(app.session_state["prompt_written"][1].every)


def generated(text: str, length: int, model: str = "any", **how: Any) -> list[int]:
    lm = gptviz.load(model)
    return [*lm.ids(text), *(step.id for step in lm.generate(text, length, **how))]


def open_with_rules(open_app, text: str, **query: str) -> AppTest:
    return open_app(model="any", prompt=text, **{k: str(v) for k, v in RULES.items()}, **query)


@pytest.mark.parametrize("text", TEXTS)
def test_pressed_n_times_it_writes_the_first_n_tokens_of_generate(
    open_app, tiktoken_alone, text: str
):
    app = open_with_rules(open_app, text, seed="7")
    expected = generated(text, 8, seed=7, **RULES)
    start = len(GPT2.encode(text))
    lm = gptviz.load("any")
    for count in range(1, 9):
        press(app, "Write the next token")
        assert tokens(app) == expected[: start + count]
        likeliest = lm.trace(expected[: start + count]).logits[-1].topk(10).indices.tolist()
        assert app.dataframe[0].value["id"].tolist() == likeliest
        shown = app.session_state["prompt"]
        spelt = tiktoken_alone.decode(expected[: start + count])
        assert shown.rstrip("\ufffd") == spelt.rstrip("\ufffd"), "but for a letter not complete"
        assert app.query_params["prompt"] == shown


@pytest.mark.parametrize("text", TEXTS)
def test_go_on_writes_what_generate_writes_until_there_is_no_more_room(open_app, text: str):
    app = go_on(open_with_rules(open_app, text, seed="3"))
    room = CONTEXT - len(GPT2.encode(text))
    assert tokens(app) == generated(text, room, seed=3, **RULES)
    assert f"the picture holds {CONTEXT} tokens" in app.info[0].value
    assert [button.label for button in app.button][:2] == ["Write the next token", "Go on"]
    press(app, "Write the next token")
    assert len(tokens(app)) == CONTEXT
    assert "There is no more room" in app.info[0].value


def test_one_token_and_going_on_throw_the_same_dice(open_app):
    app = press(open_with_rules(open_app, "The king"), "Write the next token", times=3)
    go_on(app)
    assert tokens(app) == generated("The king", CONTEXT - 2, seed=0, **RULES)


def test_another_seed_or_another_rule_begins_anew_from_where_the_text_is(open_app):
    app = press(open_with_rules(open_app, "The king"), "Write the next token", times=2)
    lm, so_far = gptviz.load("any"), tokens(app)
    app.session_state["seed"] = 5
    press(app, "Write the next token", times=2)
    drawn = [step.id for step in lm.generate(so_far, 2, seed=5, **RULES)]
    assert tokens(app) == so_far + drawn
    app.session_state["dice"] = replace(app.session_state["dice"], temperature=0)
    press(app, "Write the next token")
    (likeliest,) = lm.generate(so_far + drawn, 1, seed=5, **{**RULES, "temperature": 0})
    assert tokens(app) == [*so_far, *drawn, likeliest.id]


def test_a_text_that_was_changed_by_hand_is_read_anew(open_app):
    app = press(open_with_rules(open_app, "안녕"), "Write the next token", times=3)
    app.session_state["prompt"] = "The king"
    app.run()
    press(app, "Write the next token")
    assert tokens(app) == generated("The king", 1, seed=0, **RULES)


@pytest.mark.parametrize(
    ("token", "text", "unfinished"),
    [
        (GPT2.encode(" queen")[0], " queen", False),
        (GPT2.encode("안")[0], "", True),
        (GPT2.end_of_text, "", False),
    ],
)
def test_a_candidate_that_is_clicked_is_appended_as_that_very_token(
    open_app, token: int, text: str, unfinished: bool
):
    app = open_app(model="any", prompt="The king")
    app.session_state["prompt_wish"] = token  # what `writing.append` leaves
    app.run()
    assert tokens(app) == [*GPT2.encode("The king"), token]
    expected = gptviz.load("any").trace(tokens(app)).logits[-1].topk(10).indices.tolist()
    assert app.dataframe[0].value["id"].tolist() == expected
    assert app.session_state["prompt"] == "The king" + text
    assert any("middle of a letter" in caption.value for caption in app.caption) == unfinished
    press(app, "Write the next token")
    assert tokens(app)[:3] == [*GPT2.encode("The king"), token]


def test_a_click_asks_for_the_candidate():
    asked = AppTest.from_string(
        "import streamlit as st\n"
        "from gptviz.subjects.overview import writing\n"
        "writing.append(5)\n"
        "st.write(st.session_state['prompt_wish'])"
    ).run()
    assert asked.markdown[0].value == "`5`"


def test_a_candidate_for_a_text_that_is_full_lets_the_first_token_go(open_app):
    text = "a" + " b" * (CONTEXT - 1)
    app = open_app(model="any", prompt=text)
    app.session_state["prompt_wish"] = GPT2.encode(" c")[0]
    app.run()
    assert app.session_state["prompt"] == text + " c"
    assert any("1 tokens before them are left out" in caption.value for caption in app.caption)


def test_what_the_model_wrote_is_looked_at_on_the_other_pages_token_for_token(open_app):
    app = press(open_with_rules(open_app, "안녕"), "Write the next token", times=4)
    written = tokens(app)
    app.switch_page("pages/tokens.py").run()
    assert not app.exception
    row = next(e for e in app.main if e.type == "bidi_component" and e.key == "pieces").proto
    assert [int(chip["under"]) for chip in json.loads(row.json)["rows"][0]["chips"]] == written


def test_no_merges_are_told_of_tokens_that_the_tokenizer_would_not_cut(open_app):
    app = open_app(model="any", prompt="k")
    app.session_state["prompt_wish"] = GPT2.encode("ing")[0]
    app.run()
    app.query_params["tab"] = "merges"
    app.switch_page("pages/tokens.py").run()
    assert app.session_state["prompt"] == "king"
    assert "The model wrote these tokens" not in app.error[0].value, "a sentence has one capital"
    assert "the model wrote these tokens" in app.error[0].value


def test_the_code_of_a_written_text_gives_the_numbers_shown(
    open_app, assert_codes_make_the_numbers
):
    app = press(open_with_rules(open_app, "안녕"), "Write the next token", times=4)
    app.toggle(key="path_numbers").set_value(True).run()
    assert not app.exception
    assert_codes_make_the_numbers({"path"})


def test_an_empty_text_is_written_on_where_the_picture_is(open_app):
    app = open_with_rules(open_app, "The king")
    app.session_state["prompt"] = ""
    press(app.run(), "Write the next token")
    assert tokens(app) == generated("The king", 1, seed=0, **RULES)


def test_any_other_control_ends_the_writing(open_app):
    app = press(open_with_rules(open_app, "The king"), "Go on")
    assert "Stop" in [button.label for button in app.button]
    assert has_wish(app)
    assert len(tokens(app)) == 3
    app.toggle(key="path_numbers").set_value(True).run()
    assert "Go on" in [button.label for button in app.button]
    assert not has_wish(app)
    assert len(tokens(app)) == 3


def test_stop_ends_the_writing_and_the_text_reaches_the_address(open_app):
    app = press(open_with_rules(open_app, "The king"), "Go on")
    assert app.query_params["prompt"] == "The king"
    press(app, "Stop")
    assert "Go on" in [button.label for button in app.button]
    assert len(tokens(app)) == 3
    assert app.query_params["prompt"] == app.session_state["prompt"] != "The king"


def test_the_page_says_with_which_dice_it_writes(open_app):
    app = open_with_rules(open_app, "The king", seed="12")
    assert any(
        "temperature 1.5, top-k 900, top-p 0.9, repetition penalty 1.2 and seed 12"
        in without_marks(c.value)
        for c in app.caption
    )


@pytest.mark.parametrize("seed", ["abc", "-1", "9" * 5000, "٣", "inf", "2147483648", ""])
def test_a_seed_that_is_none_counts_as_0(open_app, seed: str):
    app = press(open_with_rules(open_app, "The king", seed=seed), "Write the next token")
    assert tokens(app) == generated("The king", 1, seed=0, **RULES)


def test_a_model_that_ends_its_text_says_so_and_can_begin_another(open_app, tmp_path: Path):
    model, tokenizer = checkpoints.read(tmp_path / "any")
    model.ln_f.weight.data.zero_()
    model.wte.weight.data[tokenizer.end_of_text] *= 100
    model.ln_f.bias.data = model.wte.weight.data[tokenizer.end_of_text].clone()
    checkpoints.save(tmp_path / "ends", model, tokenizer)
    app = go_on(open_app(model="ends", prompt="The king", temperature="0"))
    assert tokens(app) == [*GPT2.encode("The king"), GPT2.end_of_text]
    assert "has drawn the end of the text" in app.info[0].value
    assert app.session_state["prompt"] == "The king"
    press(app, "Write the next token")
    assert tokens(app)[2:] == [GPT2.end_of_text] * 2


def test_a_model_whose_numbers_are_none_says_so_and_does_not_write(open_app, tmp_path: Path):
    model, tokenizer = checkpoints.read(tmp_path / "any")
    model.h[1].mlp.c_proj.bias.data[0] = torch.nan
    checkpoints.save(tmp_path / "torn", model, tokenizer)
    app = open_app(model="torn", prompt="The king")
    for label in ("Write the next token", "Go on"):
        next(button for button in app.button if button.label == label).click().run()
        assert not app.exception
        assert app.session_state["prompt"] == "The king"
        assert "not numbers" in app.info[0].value


def test_a_writer_draws_a_token_once_for_all_who_ask(tiny_lm: LanguageModel):
    writer = Writer(tiny_lm, tiny_lm.ids("ab"), 5, SamplingSettings(), 4)
    expected = [step.id for step in tiny_lm.generate("ab", 5, seed=4)]
    assert [writer.token(index) for index in (2, 0, 4, 4)] == [expected[i] for i in (2, 0, 4, 4)]
    assert writer.drawn == expected
    assert writer.token(5) is None


def test_a_wish_that_comes_with_a_click_on_another_page_does_not_outlive_it(open_app):
    app = press(open_with_rules(open_app, "k"), "Go on")
    written = tokens(app)
    app.session_state["prompt_wish"] = "again"
    app.switch_page("pages/tokens.py").run()
    app.switch_page("app.py").run()
    assert tokens(app) == written
    assert not has_wish(app)
    assert any(button.label == "Go on" for button in app.button)
