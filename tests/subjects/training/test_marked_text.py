"""How a text is cut where some of its passages are marked."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gptviz.subjects.training.marked_text import pieces


@given(st.text(min_size=1), st.lists(st.integers(0, 30)))
def test_the_pieces_are_the_text_and_the_marked_ones_its_passages(text, ends):
    ends = sorted({end for end in ends if end <= len(text)})
    passages = list(zip(ends[::2], ends[1::2], strict=False))
    cut = pieces(text, passages)
    assert "".join(piece for piece, _ in cut) == text
    assert [piece for piece, marked in cut if marked] == [
        text[start:end] for start, end in passages
    ]


@pytest.mark.parametrize("passages", [[(2, 1)], [(0, 2), (1, 3)], [(0, 9)]])
def test_passages_that_overlap_or_leave_the_text_are_refused(passages):
    with pytest.raises(ValueError, match="give passages in order"):
        pieces("abcd", passages)
