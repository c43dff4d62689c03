"""The tokenizers that another one is held against."""

import pytest

from gptviz.tokenizers import CharacterTokenizer, GPT2Tokenizer, compared_with, load
from gptviz.tokenizers.baselines import raw_bytes, shakespeare_characters

TEXT = "To be, or not 안녕 👩‍👩‍👧\n"


def test_the_id_of_a_raw_byte_is_its_value():
    assert raw_bytes().encode(TEXT) == list(TEXT.encode())
    assert raw_bytes().decode(list(TEXT.encode())) == TEXT
    assert raw_bytes().vocab_size == 256


def test_raw_bytes_have_no_merges_and_can_be_saved(tmp_path):
    assert raw_bytes().merge_ranks == {}
    raw_bytes().save(tmp_path)
    assert load(tmp_path).encode(TEXT) == raw_bytes().encode(TEXT)


def test_the_characters_of_shakespeare_write_verse_and_nothing_foreign():
    verse = "ROMEO:\nMy love is like a fever"
    assert len(shakespeare_characters().encode(verse)) == len(verse)
    with pytest.raises(ValueError, match=r"the character 안 \(U\+C548\) is not among the \d+"):
        shakespeare_characters().encode("안녕")


def test_a_tokenizer_is_compared_with_every_other_kind_and_stands_first():
    gpt2, letters = GPT2Tokenizer(), CharacterTokenizer.from_text("abc")
    assert list(compared_with(gpt2)) == ["GPT-2 BPE", "characters of Shakespeare", "UTF-8 bytes"]
    assert compared_with(gpt2)["GPT-2 BPE"] is gpt2
    assert list(compared_with(letters)) == ["characters", "GPT-2 BPE", "UTF-8 bytes"]
    assert compared_with(letters)["characters"] is letters
    assert len(compared_with(raw_bytes())) == 4
