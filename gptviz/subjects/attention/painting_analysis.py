"""A pattern that somebody paints, and how much each head looks like it.

A painting (n, n) holds True for each painted square: row i, column j says that token i should look
at token j. Only j ≤ i can be painted, for no token sees those after it. It is about the first n
tokens of a text; whatever a head does with the others does not count.
"""

import base64
import binascii
import re
from collections.abc import Sequence

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from gptviz.activations import Trace
from gptviz.subjects.attention.analysis import patterns
from gptviz.subjects.attention.finding_analysis import Found, looks_everywhere_alike

MOST_PAINTED = 32  # tokens: with more, the squares are too small to hit
LETTERS = re.compile(r"[\w-]*", re.ASCII)


def painted_share(pattern: Tensor, painted: Tensor) -> Tensor:
    """How much of its attention a head puts on the painted squares, 0 to 1: (…) of (…, T, T).

    Of each row with a painted square, the sum of the weights on its painted squares; the mean over
    these rows. So each painted row counts alike, however many of its squares are painted.
    Not-a-number where a pattern is. Raises ValueError if nothing is painted, if a square is painted
    that its row cannot see, and unless the painting is a square of at most T rows.
    """
    T, n = pattern.size(-1), len(painted)
    if painted.shape != (n, n) or n > T:
        sizes = " × ".join(map(str, painted.shape))
        raise ValueError(f"a painting of {sizes} came for {T} tokens; it must be n × n, n ≤ {T}")
    painted = painted.to(pattern.device, torch.bool)
    if painted.triu(1).any():
        row, column = painted.triu(1).nonzero()[0].tolist()
        raise ValueError(
            f"row {row}, column {column} is painted, but token {row} cannot see token {column}, "
            "which comes later; paint only columns up to the row, as .tril() leaves them"
        )
    rows = painted.any(-1)
    if not rows.any():
        raise ValueError("nothing is painted; paint at least one square")
    return (pattern[..., :n, :n] * painted).sum(-1)[..., rows].mean(-1)


def share_by_chance(painted: Tensor) -> float:
    """The painted share of a head that gives all tokens it can see the same weight.

    Raises ValueError as `painted_share` does.
    """
    return float(painted_share(looks_everywhere_alike(len(painted)), painted))


def shows_all(painted: Tensor) -> bool:
    """Whether each row with a painted square has all that it can see painted.

    Then the painted share of every head is 1. True as well where nothing is painted.
    """
    whole = torch.ones_like(painted).tril()
    return bool((painted == whole)[painted.any(-1)].all())


def rank_heads(trace: Trace, painted: Tensor) -> pd.DataFrame:
    """All heads by their painted share, the largest first: a row each, numbered from 1.

    Columns: rank, layer, head, painted share, by chance (the share of a head that looks everywhere
    alike) and times chance (the one ÷ the other). Of equal heads, the one of the earlier layer,
    and there the one with the smaller number, comes first. Raises ValueError as `painted_share`
    does.
    """
    shares = painted_share(patterns(trace), painted).numpy()  # (n_layer, H)
    chance = share_by_chance(painted)
    layer, head = np.indices(shares.shape).reshape(2, -1)
    order = np.argsort(-shares.ravel(), kind="stable")
    share = shares.ravel()[order]
    return pd.DataFrame(
        {
            "rank": np.arange(1, len(order) + 1),
            "layer": layer[order],
            "head": head[order],
            "painted share": share,
            "by chance": chance,
            "times chance": share / chance,
        }
    )


def find_painted(trace: Trace, painted: Tensor) -> Found | None:
    """The head that looks most like a painting.

    None where nothing is painted, where all heads are alike since all that can be seen is (see
    `shows_all`), and where no head has a number for this text.
    """
    if not painted.any() or shows_all(painted):
        return None
    first = rank_heads(trace, painted).iloc[0]  # what is no number comes last
    share, chance = float(first["painted share"]), float(first["by chance"])
    return Found(int(first["layer"]), int(first["head"]), share, chance) if share >= 0 else None


def starting_points(ids: Sequence[int]) -> dict[str, Tensor]:
    """Paintings to begin with, by the name of the place that each is of: (T, T) each.

    With them, the painted share is the mean of `to_previous`, `to_first` and `same_token`. All of
    one is False where the text has no such place.
    """
    token = torch.tensor(ids)
    below = torch.ones(len(token), len(token), dtype=torch.bool).tril(-1)
    return {
        "previous token": below.triu(-1),
        "first token": below & (torch.arange(len(token)) == 0),
        "same token": below & (token.unsqueeze(1) == token),
    }


def painting_text(painted: Tensor) -> str:
    """A painting in few letters, as it stands in the address; "" if nothing is painted.

    Its squares row by row, row i from column 0 to i, are bits, the first one the highest of its
    byte. Bytes of 0 at the end are left out, and the rest is written in base 64 for addresses
    (RFC 4648, section 5) without =. So it does not depend on how long the text is.
    """
    squares = painted.cpu().numpy()[np.tril_indices(len(painted))]
    packed = np.packbits(squares.astype(np.uint8)).tobytes().rstrip(b"\0")
    return base64.urlsafe_b64encode(packed).decode().rstrip("=")


def painting_of(text: str, n: int) -> Tensor:
    """The painting (n, n) for which `painting_text` gives these letters.

    Squares in rows from n on, where a longer text was painted, are left out. Raises ValueError for
    letters that `painting_text` gives for no painting of n tokens, or of 32 if n is less.
    """
    T = max(n, MOST_PAINTED)
    most = -(-T * (T + 1) // 2 // 8)  # bytes
    packed = _unpacked(text, most) if len(text) <= 2 * most else None
    if packed is None:
        raise ValueError(
            "these letters stand for no painting; take those that `painting_text` gives"
        )
    squares = np.zeros((T, T), bool)
    squares[np.tril_indices(T)] = np.unpackbits(np.frombuffer(packed.ljust(most, b"\0"), np.uint8))[
        : T * (T + 1) // 2
    ]
    return torch.from_numpy(squares[:n, :n].copy())


def _unpacked(text: str, most: int) -> bytes | None:
    """The bytes behind some letters, if they are the only letters for these bytes."""
    if not LETTERS.fullmatch(text):
        return None
    try:
        packed = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except binascii.Error:
        return None
    again = base64.urlsafe_b64encode(packed).decode().rstrip("=")
    return packed if again == text and len(packed) <= most and packed[-1:] != b"\0" else None
