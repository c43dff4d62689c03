"""A text that is tokenized in pieces gives the tokens of the whole, wherever it is cut."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gptviz.tokenizers import CharacterTokenizer, GPT2Tokenizer
from gptviz.tokenizers.trained import train_bpe
from gptviz.training import prepare, texts

law = settings(max_examples=300, deadline=None)
SIGNS = " \n\r\t\x0b\x1c\x85\xa0\u3000\u200bab'sdt1é안.,!\ufeff"
TEXTS = st.text() | st.text(SIGNS) | st.text(" \na")
TOKENIZERS = [
    GPT2Tokenizer(),
    train_bpe(["'s a b ab a's 'll  ab\n\nab \n a ab's ab." * 9], 266),
    CharacterTokenizer(map(chr, [*range(0xD800), *range(0xE000, 0x110000)])),
]
EACH = pytest.mark.parametrize("tokenizer", TOKENIZERS, ids=lambda tokenizer: tokenizer.name)


def cut(text: str, places: list[int]) -> list[str]:
    places = sorted({0, len(text), *(place % (len(text) + 1) for place in places)})
    return [text[a:b] for a, b in pairwise(places)]


@EACH
@law
@given(text=TEXTS, places=st.lists(st.integers(0, 10_000), max_size=12))
def test_the_tokens_of_the_pieces_are_the_tokens_of_the_whole(tokenizer, text, places):
    parts = list(prepare.encode(cut(text, places), tokenizer))
    assert [i for ids, _ in parts for i in ids.tolist()] == tokenizer.encode(text)
    assert sum(n_bytes for _, n_bytes in parts) == len(text.encode())


@law
@given(text=TEXTS, chunk=st.integers(1, 9))
def test_a_text_read_in_chunks_is_the_text_with_newlines(text, chunk):
    content = text.encode()
    clean = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    with pytest.MonkeyPatch.context() as patch:
        # A byte order mark is looked for in the first chunk, which is a million bytes long.
        patch.setattr(texts, "CHUNK", chunk if not text.startswith("\ufeff") else 3)
        if "\0" in text or not clean.strip():
            with pytest.raises(ValueError, match=r"holds a zero|holds no text"):
                list(texts.characters(content))
        else:
            assert "".join(texts.characters(content)) == clean


@law
@given(text=st.text(" \nab"), places=st.lists(st.integers(0, 10_000), max_size=12))
def test_a_piece_ends_before_white_space_that_follows_a_word(text, places):
    pieces = list(texts.whole_words(cut(text, places)))
    assert "".join(pieces) == text
    for piece, following in pairwise(pieces):
        assert not piece[-1].isspace()
        assert following[0].isspace()


def test_a_word_without_end_is_refused_before_it_fills_the_memory(monkeypatch):
    monkeypatch.setattr(texts, "LONGEST_WORD", 1000)
    endless = ("x" * 100 for _ in iter(int, 1))
    with pytest.raises(ValueError, match=r"more than 1000 characters .* without a space"):
        list(prepare.encode(endless, GPT2Tokenizer()))
    long = prepare.encode(["x" * 100] * 100, CharacterTokenizer("x"))
    assert np.concatenate([ids for ids, _ in long]).tolist() == [0] * 10_000
