"""Two sides, left and right: what of them can be compared, and how far their guesses are apart.

A side is a model and what it does with a text; both sides may share the model, the text, or both.
A difference is always right less left. Positions and ids are compared only where they mean the
same on both sides: see `pairing` and `vocabularies`.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from weakref import WeakKeyDictionary

import pandas as pd
import torch
from torch import Tensor

from gptviz.activations import Trace
from gptviz.language_model import LanguageModel
from gptviz.measures import kl_divergence

SHOWN = 6  # likeliest tokens of each side
MOST_APART = 10  # tokens whose probability differs most


@dataclass(frozen=True, eq=False)
class Vocabularies:
    """The tokens of two models in one list: those of the left, then those that only the right has.

    Models that give every id the same piece have one vocabulary. Of any others, tokens are the
    same where their pieces are: what is shown for two different tokens is never the same.
    """

    same: bool
    pieces: Sequence[str]  # (U,)
    left: Tensor  # (V,) the place of each id of the left model in the list
    right: Tensor  # (W,) and of the right one

    def joined(self, of_left: Tensor, of_right: Tensor, missing: float) -> tuple[Tensor, Tensor]:
        """Values of the tokens of both (…, V) and (…, W) in the order of the list, (…, U) each.

        A token that a model does not have is given `missing`.
        """
        if self.same:
            return of_left, of_right
        return (
            _placed(of_left, self.left, len(self.pieces), missing),
            _placed(of_right, self.right, len(self.pieces), missing),
        )

    @property
    def has(self) -> tuple[Tensor, Tensor]:
        """Which tokens of the list the left model has, (U,), and which the right one."""
        found = torch.zeros(2, len(self.pieces), dtype=torch.bool)
        found[0, self.left], found[1, self.right] = True, True
        return found[0], found[1]

    @property
    def shared(self) -> Tensor:
        """Which tokens of the list both models have, (U,)."""
        return self.has[0] & self.has[1]


def vocabularies(left: LanguageModel, right: LanguageModel) -> Vocabularies:
    """Which tokens of two models are the same."""
    own, others = _pieces(left), _pieces(right)
    if own == others:
        ids = torch.arange(len(own))
        return Vocabularies(True, own, ids, ids)
    place = {name: i for i, name in enumerate(_numbered(own))}
    pieces, of_right = list(own), []
    for piece, name in zip(others, _numbered(others), strict=True):
        if name not in place:
            place[name] = len(pieces)
            pieces.append(piece)
        of_right.append(place[name])
    return Vocabularies(False, pieces, torch.arange(len(own)), torch.tensor(of_right))


@dataclass(frozen=True)
class Pairing:
    """What of two traces can be compared."""

    same_weights: bool
    same_vocabulary: bool
    left: tuple[str, ...]  # visible pieces
    right: tuple[str, ...]
    layers: tuple[int, int]  # of the left model and of the right one
    heads: tuple[int, int]  # in each layer; 0 without attention

    @property
    def by_position(self) -> bool:
        """Whether position i of one side can be compared to position i of the other.

        That needs as many tokens on both sides, and one vocabulary or the very same pieces: where
        two vocabularies cut a text otherwise, position i stands for two different places of it.
        """
        if not self.same_vocabulary:
            return self.left == self.right
        return len(self.left) == len(self.right)

    @property
    def changed(self) -> tuple[int, ...]:
        """The positions at which two sides of equal length have different pieces."""
        both = zip(self.left, self.right, strict=False)
        return tuple(i for i, (one, other) in enumerate(both) if one != other)

    @property
    def identical(self) -> bool:
        """Whether both sides are one model on the same tokens."""
        return self.same_weights and self.left == self.right


def pairing(left: LanguageModel, trace: Trace, right: LanguageModel, other: Trace) -> Pairing:
    """What can be compared of `trace`, made by the left model, and `other`, made by the right."""
    return Pairing(
        same_weights=left.digest == right.digest,
        same_vocabulary=vocabularies(left, right).same,
        left=tuple(trace.tokens),
        right=tuple(other.tokens),
        layers=(left.config.n_layer, right.config.n_layer),
        heads=(_heads(left), _heads(right)),
    )


def _heads(lm: LanguageModel) -> int:
    return lm.config.n_head if lm.config.has_attention else 0


@dataclass(frozen=True, eq=False)
class Apart:
    """Two distributions of a next token, and how far they are apart.

    Both tables have the columns token, left, right (probabilities; NaN where a model does not have
    the token) and difference (right less left, a missing token counting as 0).
    """

    likeliest: pd.DataFrame  # the likeliest tokens of either side, those of the left first
    differing: pd.DataFrame  # the tokens whose probability differs most
    total_variation: float  # 0 to 1
    kl: float  # KL(left ‖ right) in nats; ∞ where the left may say what the right cannot
    shared: tuple[float, float]  # of either side's probability, what lies on tokens of both models


def next_tokens(left: LanguageModel, trace: Trace, right: LanguageModel, other: Trace) -> Apart:
    """How far two guesses of the next token, each after the last token of its text, are apart.

    Raises ValueError in words for logits that are no numbers.
    """
    return apart(vocabularies(left, right), trace.logits[-1], other.logits[-1])


def apart(words: Vocabularies, left: Tensor, right: Tensor) -> Apart:
    """Two distributions of the next token, from logits (V,) and (W,).

    The total variation distance is ½ Σ |p − q|: the probability that would have to move to turn
    one into the other; KL(left ‖ right) is Σ p ln(p / q) (Kullback and Leibler, 1951). Sums are
    taken in float64, and what has no chance at all, a logit of −∞, has probability 0. Tokens of
    different vocabularies are compared by their pieces. Raises ValueError in words for NaN and ∞.
    """
    left, right = require_numbers(left.cpu()), require_numbers(right.cpu())
    p, q = words.joined(left.double().softmax(-1), right.double().softmax(-1), missing=0.0)
    absent = ~words.shared
    n = min(SHOWN, len(left), len(right))
    likeliest = dict.fromkeys([*p.topk(n).indices.tolist(), *q.topk(n).indices.tolist()])
    differing = (q - p).abs().topk(min(MOST_APART, len(p))).indices.tolist()
    if words.same:
        kl = kl_divergence(left, right)
    else:
        possible = p > 0
        kl = max(0.0, float((p[possible] * (p[possible] / q[possible]).log()).sum()))
    return Apart(
        likeliest=_table(words, p, q, list(likeliest)),
        differing=_table(words, p, q, differing),
        total_variation=float((p - q).abs().sum() / 2),
        kl=kl,
        shared=(float(1 - p[absent].sum()), float(1 - q[absent].sum())),
    )


def require_numbers(values: Tensor) -> Tensor:
    """The same values. Raises ValueError, in words for the page, for NaN and +∞ among them."""
    if values.isnan().any() or (values == math.inf).any() or not values.isfinite().any():
        raise ValueError(
            "not everything that one of the two models computes is a number (NaN), so there is "
            "nothing to compare; choose another model"
        )
    return values


def _table(words: Vocabularies, p: Tensor, q: Tensor, rows: list[int]) -> pd.DataFrame:
    has_left, has_right = words.has
    return pd.DataFrame(
        {
            "token": [words.pieces[i] for i in rows],
            "left": p.masked_fill(~has_left, math.nan)[rows].numpy(),
            "right": q.masked_fill(~has_right, math.nan)[rows].numpy(),
            "difference": (q - p)[rows].numpy(),
        }
    )


def _placed(values: Tensor, places: Tensor, size: int, missing: float) -> Tensor:
    found = values.new_full((*values.shape[:-1], size), missing)
    found[..., places] = values
    return found


def _numbered(pieces: Sequence[str]) -> list[tuple[str, int]]:
    """Each piece with how often it came before, so that no two of one vocabulary are equal."""
    seen: dict[str, int] = {}
    names = []
    for piece in pieces:
        names.append((piece, seen.get(piece, 0)))
        seen[piece] = names[-1][1] + 1
    return names


_PIECES: WeakKeyDictionary[LanguageModel, tuple[str, ...]] = WeakKeyDictionary()


def _pieces(lm: LanguageModel) -> tuple[str, ...]:
    # All pieces of a large vocabulary take half a second.
    found = _PIECES.get(lm)
    if found is None:
        found = _PIECES[lm] = tuple(lm.tokenizer.pieces(range(lm.config.vocab_size)))
    return found
