import weakref

import pandas as pd
import pytest

from gptviz.subjects.tokens.analysis import (
    SENTENCES,
    characters_per_token,
    cost_table,
    merge_table,
    search_vocabulary,
    side_by_side_table,
    token_table,
    word_of_token,
)
from gptviz.tokenizers import CharacterTokenizer, GPT2Tokenizer, merge_steps

GPT2 = GPT2Tokenizer()


def test_a_text_under_two_tokenizers_is_one_table_without_those_that_cannot_write_it():
    letters, digits = CharacterTokenizer("abc"), CharacterTokenizer("012")
    table = side_by_side_table({"letters": letters, "digits": digits, "BPE": GPT2}, "cab")
    assert table["tokenizer"].tolist() == ["letters"] * 3 + ["BPE"] * len(GPT2.encode("cab"))
    assert table["piece"].tolist()[:3] == ["c", "a", "b"]
    own = table[table["tokenizer"] == "BPE"].drop(columns="tokenizer").reset_index(drop=True)
    pd.testing.assert_frame_equal(own, token_table(GPT2, GPT2.encode("cab")))
    with pytest.raises(ValueError, match="the character c"):
        side_by_side_table({"digits": digits}, "cab")


def test_the_table_of_tokens_says_what_each_one_is():
    table = token_table(GPT2, GPT2.encode("안 cat\n"))
    assert list(table.columns) == ["position", "id", "piece", "bytes", "characters"]
    assert table["position"].tolist() == [0, 1, 2, 3, 4]
    assert table["id"].tolist() == [168, 243, 230, 3797, 198]
    assert table["piece"].tolist() == ["⟨EC⟩", "⟨95⟩", "⟨88⟩", "·cat", "⏎"]
    assert table["bytes"].tolist() == ["EC", "95", "88", "20 63 61 74", "0A"]
    assert table["characters"].tolist() == [1, 0, 0, 4, 1]


def test_an_id_of_a_padded_vocabulary_is_listed_without_bytes():
    row = token_table(GPT2, [50300]).iloc[0]
    assert (row["piece"], row["bytes"], row["characters"]) == ("⟨50300⟩", "", 0)


def test_no_tokens_make_an_empty_table():
    assert token_table(GPT2, []).empty


def test_characters_a_token_is_an_average():
    text = "Every effort moves you"
    assert characters_per_token(text, GPT2.encode(text)) == len(text) / 4
    with pytest.raises(ValueError, match="no tokens to count characters for"):
        characters_per_token("", [])


def test_the_costs_are_counted_for_each_sentence_and_tokenizer():
    text = "the cat 안"
    characters = CharacterTokenizer.from_text(text)
    table = cost_table({"GPT-2": GPT2, "letters": characters}, {"mixed": text})
    assert table["sentence"].tolist() == ["mixed", "mixed"]
    assert table["tokenizer"].tolist() == ["GPT-2", "letters"]
    assert table["characters"].tolist() == [9, 9]
    assert table["bytes"].tolist() == [11, 11]
    assert table["tokens"].tolist() == [len(GPT2.encode(text)), 9]
    assert table["characters_per_token"].tolist() == [9 / len(GPT2.encode(text)), 1.0]
    assert table["problem"].tolist() == ["", ""]


def test_a_sentence_that_a_tokenizer_cannot_write_has_a_reason_and_no_number():
    row = cost_table({"letters": CharacterTokenizer("ab")}, {"c": "c"}).iloc[0]
    assert row["tokens"] is pd.NA
    assert row["characters_per_token"] is pd.NA
    assert row["problem"].startswith("the character c (U+0063) is not among")


def test_one_thought_costs_more_in_korean_than_in_english():
    tokens = cost_table({"GPT-2": GPT2}).set_index("sentence")["tokens"]
    assert list(tokens.index) == list(SENTENCES)
    assert tokens["Korean"] > 3 * tokens["English"]


def found(query: str, limit: int = 50) -> list[str]:
    return search_vocabulary(GPT2, query, limit)["piece"].tolist()


def test_a_search_puts_exact_matches_first_then_the_like_then_what_begins_so():
    pieces = found("love", 1000)
    assert pieces[:5] == ["love", "·love", "·Love", "Love", "·LOVE"]
    assert all("love" in piece.lower() for piece in pieces)
    begins = [piece.lower().startswith("love") for piece in pieces[5:]]
    assert begins == sorted(begins, reverse=True)
    assert "·Glover" in pieces


@pytest.mark.parametrize(
    ("query", "first"),
    [
        ("·love", "·love"),  # as it is shown
        (" love", "·love"),  # as it is typed
        ("15496", "Hello"),  # by its id
        ("\n", "⏎"),
        ("⟨ED 95⟩", "⟨ED 95⟩"),
        ("<|endoftext|>", "<|endoftext|>"),
        ("\ufffd", "⟨U+FFFD⟩"),
    ],
)
def test_a_token_is_found_by_its_piece_its_text_and_its_id(query, first):
    assert found(query)[0] == first


def test_a_search_gives_ids_and_bytes():
    row = search_vocabulary(GPT2, " cat").iloc[0]
    assert (row["id"], row["piece"], row["bytes"]) == (3797, "·cat", "20 63 61 74")


def test_a_search_without_a_match_is_empty():
    assert search_vocabulary(GPT2, "zzzzqq").empty


def test_an_empty_search_lists_the_vocabulary_from_its_start():
    assert search_vocabulary(GPT2, "", 3)["id"].tolist() == [0, 1, 2]
    assert len(search_vocabulary(CharacterTokenizer("ab"), "")) == 2


def test_a_search_is_as_short_as_asked():
    assert len(search_vocabulary(GPT2, "e", 7)) == 7
    with pytest.raises(ValueError, match="limit is 0; it must be at least 1"):
        search_vocabulary(GPT2, "e", 0)


@pytest.mark.usefixtures("no_collector")
def test_a_searched_vocabulary_is_forgotten_with_its_tokenizer():
    tokenizer = CharacterTokenizer("ab")
    search_vocabulary(tokenizer, "a")
    left = weakref.ref(tokenizer)
    del tokenizer
    assert left() is None


def test_a_token_inside_a_word_leads_to_the_whole_word():
    text = "ROMEO, unbelievableness 안녕"
    words = [word_of_token(GPT2, text, i) for i in range(len(GPT2.encode(text)))]
    assert list(dict.fromkeys(words)) == ["ROMEO", ",", " unbelievableness", " 안녕"]


def test_the_word_of_a_token_that_is_not_there_is_refused_in_words():
    with pytest.raises(ValueError, match="there is no token at position 2; the text has 2"):
        word_of_token(GPT2, "O Romeo", 2)
    with pytest.raises(ValueError, match="no merges of bytes"):
        word_of_token(CharacterTokenizer("ab"), "ab", 0)


def test_the_table_of_merges_has_a_row_for_the_bytes_and_one_for_each_merge():
    table = merge_table(merge_steps(GPT2, " the"))
    assert table["step"].tolist() == [0, 1, 2, 3][: len(table)]
    assert table["rank"].isna().tolist() == [True] + [False] * (len(table) - 1)
    assert table["merged"].iloc[0] == ""
    assert table["merged"].iloc[-1] == "·the"
    assert table["parts"].tolist()[:: len(table) - 1] == ["· t h e", "·the"]
