import pytest

from gptviz.tokenizers import CharacterTokenizer, GPT2Tokenizer, merge_steps, split_words

GPT2 = GPT2Tokenizer()


def test_a_word_grows_from_bytes_to_tokens_by_the_earliest_merge_first():
    steps = merge_steps(GPT2, "don")
    assert [step.parts for step in steps] == [(b"d", b"o", b"n"), (b"d", b"on"), (b"don",)]
    assert [step.merged for step in steps] == [None, b"on", b"don"]
    assert [step.rank for step in steps] == [None, 5, 8843]


def test_a_rank_is_the_line_of_the_merge_and_256_below_the_id_of_its_token():
    first = min(GPT2.merge_ranks, key=GPT2.merge_ranks.__getitem__)
    assert first == (b" ", b"t")
    assert GPT2.merge_ranks[first] == 0
    for step in merge_steps(GPT2, " everything")[1:]:
        assert GPT2.token_bytes(step.rank + 256) == step.merged


def test_equal_pairs_merge_from_the_left():
    assert merge_steps(GPT2, "aaa")[1].parts == (b"aa", b"a")


def test_korean_merges_bytes_not_letters():
    steps = merge_steps(GPT2, "하")
    assert steps[0].parts == (b"\xed", b"\x95", b"\x98")
    assert steps[-1].parts == (b"\xed\x95", b"\x98")


def test_words_keep_the_space_before_them():
    cut = split_words(GPT2, "Don't say 1234!\n\n x")
    assert cut == ["Don", "'t", " say", " 1234", "!", "\n\n", " x"]


def test_several_words_are_refused_and_shown():
    with pytest.raises(ValueError, match="cut into 3 words before any merge: a ·b ·c; choose one"):
        merge_steps(GPT2, "a b c")


def test_no_word_is_refused():
    with pytest.raises(ValueError, match="empty text has no bytes to merge"):
        merge_steps(GPT2, "")


def test_a_word_too_long_to_draw_is_refused():
    assert merge_steps(GPT2, "x" * 256)
    with pytest.raises(ValueError, match="257 bytes is too long to replay; choose one of at most"):
        merge_steps(GPT2, "x" * 257)


@pytest.mark.parametrize("ask", [merge_steps, split_words])
def test_a_tokenizer_without_merges_says_so(ask):
    with pytest.raises(ValueError, match="characters has no merges of bytes to replay; choose"):
        ask(CharacterTokenizer("ab"), "ab")
