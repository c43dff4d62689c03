"""What of a sample was learnt by heart."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gptviz.subjects.training.memorised_analysis import halves, passages, share

TEXT = "To be, or not to be, that is the question: Whether 'tis nobler in the mind to suffer"


def coloured(sample: str, text: str, n: int) -> list[str]:
    return [sample[passage.start : passage.end] for passage in passages(sample, text, n)]


def test_a_passage_of_the_text_is_found_in_its_whole_length():
    sample = "xx not to be, that is the zz"
    assert coloured(sample, TEXT, 10) == [" not to be, that is the "]
    (passage,) = passages(sample, TEXT, 10)
    assert TEXT[passage.place :].startswith("not to be, that is the ", 1)


def test_a_passage_that_is_too_short_is_not_counted():
    assert coloured("xx to be zz", TEXT, 8) == []
    assert coloured("xx to be zz", TEXT, 6) == [" to be"]


def test_the_whole_text_is_one_passage():
    assert coloured(TEXT, TEXT, 20) == [TEXT]
    assert share(passages(TEXT, TEXT), TEXT) == 1


def test_a_sample_of_other_words_holds_none():
    found = passages("Lorem ipsum dolor sit amet, consetetur", TEXT)
    assert found == []
    assert share(found, "Lorem") == 0


def test_where_two_passages_overlap_the_later_begins_where_the_earlier_ends():
    assert coloured("abcdefg", "abcde cdefg", 4) == ["abcde", "fg"]
    first, second = passages("abcdefg", "abcde cdefg", 4)
    assert (first.place, second.place) == (0, 9)


def test_an_empty_or_short_sample_holds_none():
    assert passages("", TEXT) == []
    assert passages("To be", TEXT, 20) == []
    assert share([], "") == 0


def test_the_last_tenth_is_held_out():
    assert halves("0123456789") == ("012345678", "9")
    assert halves("012") == ("012", "")


@given(st.text("ab", max_size=30), st.text("ab", max_size=60), st.integers(1, 6))
def test_a_character_is_coloured_exactly_if_n_around_it_stand_in_the_text(sample, text, n):
    expected = {
        i + j for i in range(len(sample) - n + 1) for j in range(n) if sample[i : i + n] in text
    }
    found = passages(sample, text, n)
    covered = [i for passage in found for i in range(passage.start, passage.end)]
    assert len(covered) == len(set(covered)), "spans do not overlap"
    assert set(covered) == expected
    for passage in found:
        length = passage.end - passage.start
        assert text[passage.place : passage.place + length] == sample[passage.start : passage.end]


def test_what_cannot_be_searched_for_is_refused_in_words():
    with pytest.raises(ValueError, match="at least 1"):
        passages("a", "a", 0)
    with pytest.raises(ValueError, match="4001 characters"):
        passages("a" * 4001, "a")
