"""Chips: what they say about a token."""

from gptviz.app.chips import chips as token_chips
from gptviz.subjects.tokens.analysis import token_table
from gptviz.tokenizers import GPT2Tokenizer

GPT2 = GPT2Tokenizer()


def test_a_chip_says_id_and_bytes_when_pointed_at():
    first, second = token_chips.chips(token_table(GPT2, GPT2.encode("a love")))
    assert (first.piece, first.position, first.hover) == ("a", 0, "id 64 · bytes 61")
    assert (second.piece, second.position) == ("·love", 1)
    assert second.hover == "id 1842 · bytes 20 6C 6F 76 65"
    assert second.under == ""


def test_ids_can_stand_below_the_pieces():
    table = token_table(GPT2, GPT2.encode("a love"))
    assert [chip.under for chip in token_chips.chips(table, ids_shown=True)] == ["64", "1842"]


def test_an_id_outside_the_vocabulary_has_no_bytes_to_say():
    assert token_chips.chips(token_table(GPT2, [60_000]))[0].hover == "id 60000"
