"""What is learnt from a text, beside the library that trains tokenizers, and tiktoken."""

import re

import numpy as np
import pytest
import tiktoken
import tokenizers
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import models, pre_tokenizers, trainers

from gptviz.subjects import byte_pairs
from gptviz.subjects.byte_pairs import analysis
from gptviz.subjects.byte_pairs.tale import TALE
from gptviz.tokenizers import CharacterTokenizer
from gptviz.tokenizers.baselines import SHAKESPEARE, raw_bytes

PLAY = SHAKESPEARE.read_text(encoding="utf-8")[:30_000]
TEXTS = {"play": PLAY, "tale": TALE, "repeated": "a" * 500, "one": "x", "gaps": " \n\n  a  a\n\n b"}


def theirs(text: str, size: int) -> tokenizers.Tokenizer:
    """The library's own tokenizer with a vocabulary of this size, less the end of a text."""
    library = tokenizers.Tokenizer(models.BPE())
    library.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=size - 1, min_frequency=2, initial_alphabet=alphabet, show_progress=False
    )
    library.train_from_iterator([text], trainer)
    return library


@pytest.mark.parametrize("name", TEXTS)
def test_at_each_size_the_text_has_as_many_tokens_as_the_library_makes(name: str):
    text = TEXTS[name]
    learnt = byte_pairs.learn(text)
    largest = theirs(text, 100_000).get_vocab_size() + 1
    assert learnt.largest == largest
    assert learnt.n_bytes == len(text.encode())
    for size in {257, 258, 300, 400, 600, largest - 1, largest}:
        if 257 <= size <= largest:
            ids = theirs(text, size).encode(text).ids
            assert learnt.tokens(size) == len(ids), size
            assert learnt.of_size(size).encode(text) == ids, size


def test_each_merge_joins_as_many_as_it_makes_the_text_shorter():
    learnt = byte_pairs.learn(TALE)
    table = byte_pairs.merges(learnt)
    sizes = range(258, learnt.largest + 1)
    counts = [len(theirs(TALE, size).encode(TALE).ids) for size in sizes]
    assert table["tokens"].tolist() == counts
    assert table["joined"].tolist() == (-np.diff([len(TALE.encode()), *counts])).tolist()
    assert table["rank"].tolist() == list(range(len(counts)))
    assert (table["joined"] >= 1).all()


def test_the_first_pair_is_the_commonest_of_the_text():
    learnt = byte_pairs.learn(PLAY)
    first = byte_pairs.merges(learnt).iloc[0]
    assert (first["left"], first["right"], first["merged"]) == ("·", "t", "·t")
    assert first["joined"] == PLAY.count(" t")


def test_gpt2_cuts_the_text_as_tiktoken_does(tiktoken_alone: tiktoken.Encoding):
    assert byte_pairs.learn(PLAY).gpt2 == len(tiktoken_alone.encode_ordinary(PLAY))


def test_a_table_of_sizes_goes_from_bytes_to_the_largest():
    learnt = byte_pairs.learn(PLAY)
    table = byte_pairs.sizes(learnt)
    assert table["vocabulary"].iloc[[0, -1]].tolist() == [257, learnt.largest]
    assert {300, 400, 512, 1024} <= set(table["vocabulary"])
    assert table["vocabulary"].is_monotonic_increasing
    assert table["tokens"].is_monotonic_decreasing
    assert table["tokens"].iloc[0] == len(PLAY.encode())
    np.testing.assert_allclose(table["characters per token"], len(PLAY) / table["tokens"])
    assert table["joined"].isna().tolist() == [True] + [False] * (len(table) - 1)


def test_a_text_is_learnt_from_in_parts_that_change_nothing(monkeypatch):
    whole = byte_pairs.learn(PLAY)
    monkeypatch.setattr(analysis, "AT_ONCE", 700)
    told: list[tuple[int, int]] = []
    parted = byte_pairs.learn(PLAY, lambda done, all_: told.append((done, all_)))
    assert byte_pairs.merges(parted).equals(byte_pairs.merges(whole))
    assert parted.gpt2 == whole.gpt2
    n = len(told) - 1
    assert n > 30
    assert told == [(0, 2 * n), *((n + i, 2 * n) for i in range(n))]


@settings(max_examples=60, deadline=None)
@given(text=st.text("ab \n\u00a0\u3000.\x1c", min_size=1, max_size=60))
def test_parts_of_any_text_have_the_words_of_the_text(text: str):
    cut = pre_tokenizers.ByteLevel(add_prefix_space=False).pre_tokenize_str
    parts = [text[a:b] for a, b in _borders(text)]
    assert "".join(parts) == text
    assert [word for part in parts for word, _ in cut(part)] == [word for word, _ in cut(text)]


def _borders(text: str) -> list[tuple[int, int]]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(analysis, "AT_ONCE", 3)
        lengths = [len(part) for part in analysis._parts(text)]
    ends = np.cumsum(lengths).tolist()
    return list(zip([0, *ends[:-1]], ends, strict=True))


def test_a_letter_is_torn_where_no_single_token_holds_it(tiktoken_alone: tiktoken.Encoding):
    tale, english = byte_pairs.learn(TALE), byte_pairs.learn(PLAY)
    table = byte_pairs.letters(english.of_size(300), "고a é")
    assert table["own"].tolist() == [3, 1, 1, 2]
    assert table["letter"].tolist() == ["고", "a", "·", "é"]
    assert table["code point"].tolist() == ["U+ACE0", "U+0061", "U+0020", "U+00E9"]
    assert table["bytes"].tolist() == ["EA B3 A0", "61", "20", "C3 A9"]
    assert byte_pairs.torn(tale.of_size(tale.largest), " 고양이").tolist() == [1, 1, 1, 1]
    text = "고양이가 따뜻한 햇볕, naïve 🐱!"
    owners = [
        i
        for i, token in enumerate(tiktoken_alone.encode_ordinary(text))
        for _ in tiktoken_alone.decode_single_token_bytes(token)
    ]
    wanted = []
    for letter in text:
        size = len(letter.encode())
        wanted.append(len(set(owners[:size])))
        del owners[:size]
    assert byte_pairs.letters(tale.of_size(300), text)["GPT-2"].tolist() == wanted


def test_an_unknown_letter_is_lost_among_characters_and_whole_in_bytes():
    learnt = byte_pairs.learn("abc abd")
    bpe = learnt.of_size(learnt.largest)
    table = byte_pairs.unknown(learnt.characters, bpe, "aé🐱b")
    assert table["id"].isna().tolist() == [False, True, True, False]
    assert table["id"].tolist()[::3] == [1, 2]  # of " abcd"
    assert [len(ids.split()) for ids in table["tokens"]] == [1, 2, 4, 1]
    ids = [int(token) for row in table["tokens"] for token in row.split()]
    assert bpe.decode(ids) == "aé🐱b"
    assert analysis.comes_back(learnt.characters, "aé🐱b") == "a��b"


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda: byte_pairs.learn(""), "there is no text to learn from yet"),
        (lambda: byte_pairs.learn("a\ud800"), r"position 1 of the text holds U\+D800"),
        (lambda: byte_pairs.letters(byte_pairs.learn("a").bpe, ""), "there are no letters"),
        (
            lambda: byte_pairs.unknown(CharacterTokenizer("a"), raw_bytes(), ""),
            "no letters to look",
        ),
        (lambda: byte_pairs.learn("a").of_size(258), "does not hold one of 258"),
        (lambda: byte_pairs.learn("a").of_size(256), "of 256 tokens cannot be trained"),
    ],
)
def test_what_cannot_be_is_refused_in_words(function, message):
    with pytest.raises(ValueError, match=message):
        function()


@pytest.mark.parametrize(
    ("text", "longest", "wanted"),
    [
        ("short", 10, "short"),
        ("two words", 9, "two words"),
        ("two words", 8, "two"),
        ("two words", 3, "two"),
        ("aaaaaaaa", 3, "aaa"),
    ],
)
def test_a_beginning_ends_where_a_word_does(text: str, longest: int, wanted: str):
    assert analysis.beginning(text, longest) == wanted


def test_the_tale_is_korean_and_says_things_again():
    assert len(re.findall("[가-힣]", TALE)) >= 400
    assert byte_pairs.learn(TALE).largest > 400
