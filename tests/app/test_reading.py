"""Which tokens of a text are read, and how a text grows by a token that is no whole character."""

import pytest

from gptviz import GPT, GPTConfig, LanguageModel
from gptviz.app import visitors
from gptviz.app.limits import Limits
from gptviz.app.prompt import row
from gptviz.app.prompt.reading import (
    LONGEST_PROMPT,
    LONGEST_TEXT,
    extended,
    in_code,
    reading,
    text_read,
    unfinished,
)
from gptviz.tokenizers import GPT2Tokenizer

GPT2 = GPT2Tokenizer()


def language_model(block_size: int = 16, vocab_size: int = 50257) -> LanguageModel:
    config = GPTConfig(vocab_size, block_size, n_layer=1, n_head=1, n_embd=4)
    return LanguageModel(GPT(config), GPT2, "small", f"small {block_size}")


@pytest.fixture(scope="module")
def lm() -> LanguageModel:
    return language_model()


def test_a_text_that_fits_is_read_whole(lm):
    read = reading(lm, "The king")
    assert read.ids == read.every == tuple(GPT2.encode("The king"))
    assert (read.text, read.left_out, read.full) == ("The king", 0, False)
    assert text_read(GPT2, read) == "The king"


def test_of_a_longer_text_the_last_tokens_that_fit_are_read(lm, tiktoken_alone):
    text = " ".join(map(str, range(100)))
    every = tiktoken_alone.encode(text)
    read = reading(lm, text)
    assert list(read.ids) == every[-16:]
    assert read.left_out == len(every) - 16
    assert read.text == text
    assert text_read(GPT2, read) == tiktoken_alone.decode(every[-16:])
    assert read.full


def test_a_large_context_is_not_read_further_than_the_pages_show():
    assert len(reading(language_model(1024), "a" * 8 + " b" * 500).ids) == LONGEST_PROMPT


def test_a_book_costs_no_more_than_its_last_characters(lm):
    book = "x" * 5_000_000 + " y" * (LONGEST_TEXT // 2)
    read = reading(lm, book)
    assert read.text == " y" * (LONGEST_TEXT // 2)
    assert len(read.every) == LONGEST_TEXT // 2


def test_no_text_and_no_such_symbol_are_told_in_words(lm, tiny_lm):
    with pytest.raises(ValueError, match="the prompt is empty"):
        reading(lm, "")
    with pytest.raises(ValueError, match="Δ"):
        reading(tiny_lm, "aΔb")


@pytest.mark.parametrize("text", ["안녕하세요", "👩‍👩‍👧 ok", "naïve ☃", "plain words"])
def test_a_text_grows_by_whole_characters_while_every_token_is_kept(lm, text: str):
    ids = GPT2.encode(text)
    read = reading(language_model(64), "a")
    for count, token in enumerate(ids, 1):
        read = extended(lm, read, token)
        assert read.every == (*GPT2.encode("a"), *ids[:count])
        assert "a" + text.encode().decode()[: len(read.text) - 1] == read.text
        data = b"".join(GPT2.token_bytes(i) for i in ids[:count])
        missing = unfinished(GPT2, read.ids)
        assert ("a" + text).encode()[: 1 + len(data) - missing] == read.text.encode()
    assert read.text == "a" + text
    assert unfinished(GPT2, read.ids) == 0


def test_bytes_that_never_become_a_character_are_shown_as_such(lm):
    first_byte = GPT2.encode("안")[0]
    read = extended(lm, extended(lm, reading(lm, "a"), first_byte), GPT2.encode("b")[0])
    assert read.text == "a\ufffdb"
    assert len(read.every) == 3


def test_events_and_ids_beyond_the_tokenizer_are_kept_and_are_no_characters():
    lm = language_model(16, 50_300)
    read = reading(lm, "a")
    for token in (GPT2.end_of_text, 50_290):
        read = extended(lm, read, token)
    assert read.text == "a"
    assert read.every[1:] == (GPT2.end_of_text, 50_290)


def test_a_full_text_reads_on_and_forgets_its_first_token(lm):
    read = reading(lm, "a b c d e f g h i j k l m n o p")
    assert read.full
    assert read.left_out == 0
    after = extended(lm, read, GPT2.encode(" q")[0])
    assert after.ids == (*read.ids[1:], GPT2.encode(" q")[0])
    assert after.left_out == 1
    assert after.text == read.text + " q"


def test_code_names_the_text_where_that_gives_the_tokens_and_else_the_tokens():
    assert in_code(GPT2, GPT2.encode("The king")) == "The king"
    pieces = [*GPT2.encode("k"), *GPT2.encode("ing")]
    assert in_code(GPT2, pieces) == pieces


def test_a_visitor_of_a_class_is_read_as_many_tokens_as_the_teacher_says(monkeypatch):
    lm = language_model(block_size=400)
    text = " the king" * 200
    for most, read in ((5, 5), (LONGEST_PROMPT + 1, LONGEST_PROMPT)):
        monkeypatch.setattr(visitors, "limits", lambda most=most: Limits(max_prompt=most))
        assert len(reading(lm, text).ids) == read
    monkeypatch.setattr(visitors, "limits", lambda: Limits(max_prompt=5))
    words = row.told(lm, reading(lm, text))
    assert "only the last 5 tokens are read" in words
    assert words.endswith(
        "Visitors of this class read up to 5 tokens; shorten the text, or ask the teacher."
    )
    monkeypatch.setattr(visitors, "limits", lambda: None)
    assert len(reading(lm, text).ids) == LONGEST_PROMPT
    assert "class" not in row.told(lm, reading(lm, text))
