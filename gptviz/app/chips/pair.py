"""Two texts as chips, one below the other, with a mark on each token that differs."""

from collections.abc import Sequence
from dataclasses import dataclass

from gptviz.app.chips.chips import Chip, ChipRow, token_chips
from gptviz.app.theme import Scheme

ALIGNED = 24  # tokens of two texts that stand below each other; longer texts wrap
LETTERS = 4  # that fit into a column of aligned chips


@dataclass(frozen=True)
class Row:
    """The tokens of one of two texts, with a name."""

    name: str
    ids: Sequence[int]
    pieces: Sequence[str]


def chip_pair(upper: Row, lower: Row, scheme: Scheme, *, key: str, aligned: bool) -> None:
    """Draw two texts; where they are `aligned`, and short, token i stands below token i.

    Marked are the tokens that differ at their position; of texts that are not aligned, all that
    stands between what both begin with and what both end with.
    """
    marks = differing(upper.pieces, lower.pieces, aligned=aligned)
    rows = [
        ChipRow(_chips(own, other, own_marks), own.name)
        for own, other, own_marks in ((upper, lower, marks[0]), (lower, upper, marks[1]))
    ]
    beside = aligned and len(upper.ids) <= ALIGNED
    token_chips(rows, scheme, key=key, arrange="aligned" if beside else "flow")


def differing(
    upper: Sequence[str], lower: Sequence[str], *, aligned: bool
) -> tuple[set[int], set[int]]:
    """The positions in either text of the tokens that `chip_pair` marks.

    Raises ValueError for texts of different lengths that are said to be aligned.
    """
    if aligned:
        both = zip(upper, lower, strict=True)
        found = {i for i, (one, other) in enumerate(both) if one != other}
        return found, found
    shorter = min(len(upper), len(lower))
    alike = [one == other for one, other in zip(upper, lower, strict=False)]
    begin = alike.index(False) if False in alike else shorter
    ends = [one == other for one, other in zip(upper[::-1], lower[::-1], strict=False)]
    end = min(ends.index(False) if False in ends else shorter, shorter - begin)
    return set(range(begin, len(upper) - end)), set(range(begin, len(lower) - end))


def _chips(own: Row, other: Row, marks: set[int]) -> list[Chip]:
    return [
        Chip(
            piece,
            i,
            f"id {own.ids[i]}",
            marked=i in marks,
            width=1 + max(map(len, (piece, *other.pieces[i : i + 1]))) // LETTERS,
        )
        for i, piece in enumerate(own.pieces)
    ]
