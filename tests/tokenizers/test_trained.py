"""A BPE that is learnt here writes every text, fills its vocabulary, and opens elsewhere."""

from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gptviz import tokenizers
from gptviz.tokenizers import CharacterTokenizer, GPT2Tokenizer, HuggingFaceTokenizer
from gptviz.tokenizers.byte_level import CHARACTER_OF
from gptviz.tokenizers.trained import encoder, first_merges, train_bpe, train_largest_bpe

law = settings(max_examples=150, deadline=None)
TEXT = "the cat sat on the mat, 고양이가 매트에. banana bandana aaaa aaaaaa ababab 1212\n\n "
SIZE = 300
BPE = train_bpe([TEXT * 3], SIZE)
# Texts whose pairs it has learnt, in every order, and anything else.
TEXTS = st.text() | st.text("abn cthe\n 고양이12'") | st.text(" \n\t\u3000\x1cx")


@law
@given(text=TEXTS)
def test_every_text_comes_back_from_its_ids(text):
    assert BPE.decode(BPE.encode(text)) == text


@law
@given(text=TEXTS)
@example("aaaaaaa aaa 'tis\x1c\n \u3000 x")
def test_the_quick_encoder_gives_the_ids_of_the_tokenizer(text):
    assert list(encoder(BPE)(text)) == BPE.encode(text)


@settings(max_examples=40, deadline=None)
@given(text=st.text("ab", min_size=30, max_size=80), size=st.integers(257, 275))
def test_the_quick_encoder_is_right_for_whatever_was_learnt(text, size):
    try:
        learnt = train_bpe([text, text], size)
    except ValueError:  # the text holds too few pairs
        return
    assert list(encoder(learnt)(text)) == learnt.encode(text)


@pytest.mark.parametrize(
    "tokenizer", [GPT2Tokenizer(), CharacterTokenizer.from_text(TEXT)], ids=lambda t: t.name
)
def test_other_tokenizers_encode_by_themselves(tokenizer):
    assert list(encoder(tokenizer)(TEXT)) == tokenizer.encode(TEXT)


def test_the_quick_encoder_asks_once_which_tokens_are_special(monkeypatch):
    asked = []

    def special_tokens(tokenizer):
        asked.append(tokenizer)
        return {SIZE - 1: "<|endoftext|>"}

    monkeypatch.setattr(HuggingFaceTokenizer, "special_tokens", property(special_tokens))
    encoder(BPE)
    assert asked == [BPE]


def test_it_has_the_chosen_size_and_the_order_of_gpt2():
    assert BPE.vocab_size == SIZE
    assert BPE.end_of_text == SIZE - 1
    assert BPE.special_tokens == {SIZE - 1: "<|endoftext|>"}
    assert {BPE.token_bytes(token) for token in range(256)} == {bytes([i]) for i in range(256)}
    learnt = [a + b for a, b in BPE.merge_ranks]
    assert learnt == [BPE.token_bytes(token) for token in range(256, SIZE - 1)]
    assert len(CHARACTER_OF) == 256


def test_what_occurs_often_becomes_one_token():
    assert len(BPE.encode("the")) == 1
    assert len(BPE.encode("xyz")) == 3


def test_the_smallest_has_only_bytes_and_the_end():
    smallest = train_bpe([TEXT], 257)
    assert smallest.merge_ranks == {}
    assert smallest.decode(smallest.encode(TEXT)) == TEXT


def test_the_same_text_gives_the_same_tokenizer():
    again = train_bpe([TEXT * 3], SIZE)
    assert again.merge_ranks == BPE.merge_ranks


@pytest.mark.parametrize("size", [-1, 0, 256, 65_537])
def test_a_size_that_no_vocabulary_can_have_is_refused_in_words(size):
    with pytest.raises(ValueError, match=f"of {size} tokens cannot be trained; choose 257"):
        train_bpe([TEXT], size)


@pytest.mark.parametrize("texts", [[], [""], ["ab"], ["the cat sat on the mat"]])
def test_a_text_that_cannot_fill_the_vocabulary_is_refused_with_the_size_it_can(texts):
    with pytest.raises(ValueError, match=r"fills a vocabulary of \d+ tokens, not of 400") as told:
        train_bpe(texts, 400)
    size = int(str(told.value).split()[6])
    assert train_bpe(texts, size).vocab_size == size


@pytest.mark.parametrize("size", [257, 258, 270, SIZE])
def test_a_smaller_vocabulary_is_the_beginning_of_a_larger_one(size: int):
    smaller, trained = first_merges(BPE, size), train_bpe([TEXT * 3], size)
    assert smaller.encode(TEXT) == trained.encode(TEXT)
    assert list(smaller.merge_ranks) == list(trained.merge_ranks)
    assert (smaller.vocab_size, smaller.end_of_text) == (size, size - 1)


def test_a_larger_vocabulary_than_the_one_that_was_learnt_is_refused_in_words():
    with pytest.raises(ValueError, match=f"{SIZE} tokens does not hold one of {SIZE + 1}; choose"):
        first_merges(BPE, SIZE + 1)


@pytest.mark.parametrize(("text", "at_most", "size"), [("", 300, 257), (TEXT, 270, 270)])
def test_the_largest_vocabulary_is_what_the_text_fills_or_the_bound(text, at_most, size):
    assert train_largest_bpe([text], at_most).vocab_size == size


def test_gptviz_and_transformers_open_what_it_saves(tmp_path: Path):
    from transformers import AutoTokenizer

    BPE.save(tmp_path)
    loaded = tokenizers.load(tmp_path)
    assert isinstance(loaded, HuggingFaceTokenizer)
    assert loaded.encode(TEXT) == BPE.encode(TEXT)
    assert (loaded.vocab_size, loaded.end_of_text) == (SIZE, SIZE - 1)
    theirs = AutoTokenizer.from_pretrained(tmp_path)
    assert theirs.encode(TEXT) == BPE.encode(TEXT)
    assert theirs.eos_token_id == SIZE - 1
