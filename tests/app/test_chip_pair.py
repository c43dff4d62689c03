"""Which tokens of two texts are marked as different."""

import pytest

from gptviz.app.chips.pair import differing


@pytest.mark.parametrize(
    ("upper", "lower", "aligned", "marks"),
    [
        ("abc", "abc", True, (set(), set())),
        ("abc", "axc", True, ({1}, {1})),
        ("abc", "abc", False, (set(), set())),
        ("abcd", "axyzd", False, ({1, 2}, {1, 2, 3})),
        ("aa", "aaa", False, (set(), {2})),
        ("a", "b", False, ({0}, {0})),
        ("ab", "b", False, ({0}, set())),
    ],
)
def test_marks_of_two_texts(upper, lower, aligned, marks):
    assert differing(upper, lower, aligned=aligned) == marks
    assert differing(lower, upper, aligned=aligned) == marks[::-1]


def test_texts_of_different_lengths_are_not_aligned():
    with pytest.raises(ValueError, match="longer"):
        differing("ab", "abc", aligned=True)
