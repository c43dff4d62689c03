"""What two sides have in common and what not, as sentences made from numbers by fixed rules."""

import math

from gptviz.app import show
from gptviz.subjects.compare.analysis import Apart, Pairing
from gptviz.subjects.compare.neighbours_analysis import Neighbours

SMALL = 0.005  # of a probability: hardly a difference
NAMED = 5  # neighbours that are named

IDENTICAL = (
    "Both sides are the same, so every difference is 0. Choose another model or step on the "
    "right, or type another text there."
)
SAME_TOKENS = "Both sides read the same {left} tokens, so everything can be compared."
ONE_CHANGED = (
    "Both texts have {left} tokens, one of which differs: attention and the lens are compared "
    "position by position."
)
SOME_CHANGED = (
    "Both texts have {left} tokens, {changed} of which differ: attention and the lens are compared "
    "position by position."
)
LENGTHS = (
    "The left text has {left} tokens and the right one {right}: next tokens and neighbours can be "
    "compared. Attention and the lens stand side by side, without a difference, because their "
    "positions do not belong together."
)
CUT_ALIKE = (
    "The two models have different vocabularies, but cut this text into the same {left} tokens: "
    "everything can be compared, next tokens and neighbours by their letters."
)
CUT_OTHERWISE = (
    "The two models have different vocabularies, and their texts are cut into different tokens, "
    "{left} and {right}: next tokens and neighbours are compared by their letters. Attention and "
    "the lens stand side by side, without a difference."
)
SHAPES = (
    "The left model has {layers[0]} layers of {heads[0]} heads, the right one {layers[1]} of "
    "{heads[1]}: what only one has is shown on its side alone."
)
SHAPES_OTHERWISE = (
    "The left model has {left}, the right one {right}: what only one has is shown on its side "
    "alone."
)
MOVED = (
    "To turn one guess into the other, {moved} of the probability would have to move to other "
    "tokens. The KL divergence is {nats} nats."
)
MOVED_INFINITELY = (
    "To turn one guess into the other, {moved} of the probability would have to move to other "
    "tokens. The KL divergence is infinite, for the left may say what the right never can."
)
NOT_SHARED = (
    "{left} of the left's probability and {right} of the right's lie on tokens that the other "
    "vocabulary does not have."
)
READ_AS = (
    "The left reads the word as **{left}**, the right as **{right}**; of several tokens, the mean "
    "of their vectors is taken."
)


def of_pair(pair: Pairing) -> str:
    """What can be compared, and what not."""
    left, right, changed = len(pair.left), len(pair.right), len(pair.changed)
    if pair.identical:
        words = IDENTICAL
    elif not pair.same_vocabulary:
        words = CUT_ALIKE if pair.by_position else CUT_OTHERWISE
    elif not pair.by_position:
        words = LENGTHS
    elif not changed:
        words = SAME_TOKENS
    else:
        words = ONE_CHANGED if changed == 1 else SOME_CHANGED
    return words.format(left=left, right=right, changed=changed)


def of_shapes(pair: Pairing) -> str | None:
    """What only one of the models has, if that is so."""
    shapes = (pair.layers, pair.heads)
    if all(left == right for left, right in shapes):
        return None
    if all(pair.heads):
        return SHAPES.format(layers=pair.layers, heads=pair.heads)
    left, right = (
        (f"{layers} layers" if layers else "no layers")
        + (f" of {heads} heads" if heads else " without attention" if layers else "")
        for layers, heads in zip(*shapes, strict=True)
    )
    return SHAPES_OTHERWISE.format(left=left, right=right)


def of_next(found: Apart) -> str:
    """What both sides expect next."""
    table = found.likeliest
    left, right = (table.loc[table[side].idxmax()] for side in ("left", "right"))
    if found.total_variation < SMALL:
        words = "Both sides expect the same: {one} is likeliest, with {left}."
    elif left["token"] == right["token"]:
        words = "Both sides expect {one} most: the left with {left}, the right with {right}."
    else:
        words = "The left expects {one} most, with {left}; the right expects {other}, with {right}."
    return words.format(
        one=_token(left["token"]),
        other=_token(right["token"]),
        left=percent(left["left"]),
        right=percent(right["right"]),
    )


def of_distance(found: Apart) -> str:
    """How much of the probability differs, and what that costs."""
    if found.total_variation < SMALL:
        return "Hardly any of the probability lies on other tokens."
    words = MOVED_INFINITELY if math.isinf(found.kl) else MOVED
    return words.format(moved=percent(found.total_variation), nats=f"{found.kl:.2f}")


def of_shared(found: Apart) -> str | None:
    """How much of either guess lies on tokens that the other model does not have, if any does."""
    left, right = (1 - share for share in found.shared)
    if max(left, right) < SMALL:
        return None
    return NOT_SHARED.format(left=percent(left), right=percent(right))


def of_neighbours(found: Neighbours, pair: Pairing) -> str:
    """How many of the neighbours are the same on both sides."""
    if pair.same_weights:
        return "Both sides have the same model, and so the same neighbours, whatever the text."
    ranks = found.table[["left_rank", "right_rank"]].fillna(found.of_each + 1)
    both = found.table[(ranks <= found.of_each).all(axis=1)]
    if not found.shared:
        words = "Of the {n} tokens nearest to the word on either side, none is the same."
    elif found.shared == found.of_each:
        words = "The {n} tokens nearest to the word are the same on both sides."
    elif found.shared == 1:
        words = "Of the {n} tokens nearest to the word on either side, one is the same: {named}."
    elif found.shared > NAMED:
        words = (
            "Of the {n} tokens nearest to the word on either side, {shared} are the same: {named} …"
        )
    else:
        words = (
            "Of the {n} tokens nearest to the word on either side, {shared} are the same: {named}."
        )
    named = ", ".join(_token(token) for token in both["token"][:NAMED])
    return words.format(n=found.of_each, shared=found.shared, named=named)


def of_word(found: Neighbours) -> str | None:
    """How a word is read, if a side needs several tokens for it or both read it otherwise."""
    left, right = found.left, found.right
    if left.pieces == right.pieces and not left.several:
        return None
    return READ_AS.format(left=show.literal(left.label), right=show.literal(right.label))


def percent(probability: float) -> str:
    """A probability in per cent, as exact as is worth saying."""
    if probability < 0.001:
        return "below 0.1 %"
    digits = 1 if probability < 0.0995 else 0
    return f"{100 * probability:.{digits}f} %"


def _token(piece: str) -> str:
    return f"“**{show.literal(piece)}**”"
