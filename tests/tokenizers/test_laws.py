import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

from gptviz.subjects.tokens.analysis import token_table
from gptviz.tokenizers import (
    CharacterTokenizer,
    GPT2Tokenizer,
    HuggingFaceTokenizer,
    merge_steps,
    split_words,
    visible,
)

GPT2 = GPT2Tokenizer()
law = settings(max_examples=60, deadline=None)


def byte_level_bpe(vocab_size: int) -> HuggingFaceTokenizer:
    library = Tokenizer(models.BPE())
    library.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    library.decoder = decoders.ByteLevel()
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size, initial_alphabet=alphabet, show_progress=False
    )
    library.train_from_iterator(
        ["the cat sat on the mat, 고양이가 앉았다 ababab aaaa"] * 3, trainer
    )
    return HuggingFaceTokenizer(library.to_str())


SMALL = byte_level_bpe(320)
# Words that merge a great deal, words that merge little, and anything else.
TEXTS = st.text() | st.text("ab cthe\n 고양이가") | st.text(" \n\t\u3000x")
BYTE_LEVEL = pytest.mark.parametrize("tokenizer", [GPT2, SMALL], ids=["GPT-2", "trained here"])


@BYTE_LEVEL
@law
@given(text=TEXTS)
def test_any_text_comes_back_from_its_ids(tokenizer, text):
    assert tokenizer.decode(tokenizer.encode(text)) == text


@law
@given(text=st.text(min_size=1))
def test_any_text_comes_back_from_its_characters(text):
    tokenizer = CharacterTokenizer.from_text(text)
    assert tokenizer.decode(tokenizer.encode(text)) == text


@BYTE_LEVEL
@law
@given(text=TEXTS)
def test_the_bytes_of_the_tokens_are_the_bytes_of_the_text(tokenizer, text):
    ids = tokenizer.encode(text)
    assert b"".join(map(tokenizer.token_bytes, ids)) == text.encode()
    assert token_table(tokenizer, ids)["characters"].sum() == len(text)


@law
@given(ids=st.lists(st.integers(-5, 50300)))
def test_any_ids_are_shown_with_ink_and_one_piece_each(ids):
    pieces = GPT2.pieces(ids)
    assert len(pieces) == len(ids)
    assert all(piece and piece.isprintable() and "\ufffd" not in piece for piece in pieces)


@law
@given(a=st.binary(max_size=4) | st.text().map(str.encode), b=st.binary(max_size=4))
def test_different_bytes_never_look_the_same(a, b):
    assert (visible(a) == visible(b)) == (a == b)


@law
@given(
    st.text(
        st.characters(exclude_categories=["C", "Z"]) | st.sampled_from("·⏎⇥⟨⟩◌ \n\t"), min_size=1
    )
)
def test_the_bytes_can_be_read_back_from_what_is_shown(text):
    assert unseen(visible(text.encode())) == text


def unseen(shown: str) -> str:
    """Undo `visible` for whole characters, by the notation in its module's docstring."""
    text, rest = "", shown
    while rest:
        if rest.startswith("⟨U+"):
            number, _, rest = rest.removeprefix("⟨U+").partition("⟩")
            text += chr(int(number, 16))
        else:
            text += {"·": " ", "⏎": "\n", "⇥": "\t", "◌": ""}.get(rest[0], rest[0])
            rest = rest[1:]
    return text


@BYTE_LEVEL
@law
@given(text=TEXTS)
def test_replayed_merges_end_in_the_tokens_of_each_word(tokenizer, text):
    words = split_words(tokenizer, text)
    assert "".join(words) == text
    tokens = []
    for word in words:
        last = merge_steps(tokenizer, word)[-1]
        tokens.extend(last.parts)
        assert list(last.parts) == [tokenizer.token_bytes(i) for i in tokenizer.encode(word)]
    assert tokens == [tokenizer.token_bytes(i) for i in tokenizer.encode(text)]
