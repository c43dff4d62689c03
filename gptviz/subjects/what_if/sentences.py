"""What the pictures of a change say, as sentences made from their numbers by fixed rules."""

import math
from collections.abc import Sequence
from itertools import zip_longest

import numpy as np

from gptviz.app import show
from gptviz.subjects.what_if.changes_analysis import Effect

SMALL_KL = 0.01  # nats: hardly a change
SMALL = 0.005  # of a probability, or nats of loss


def of_effect(found: Effect) -> str:
    """What the change does to the next token."""
    before = found.table.loc[found.table["before"].idxmax()]
    after = found.table.loc[found.table["after"].idxmax()]
    nats = f"{found.kl:.3f} nats (KL divergence)"
    values = {
        "old": show.literal(str(before["token"])),
        "old_before": percent(before["before"]),
        "old_after": percent(before["after"]),
        "new": show.literal(str(after["token"])),
        "new_after": percent(after["after"]),
        "nats": nats,
    }
    if found.kl < SMALL_KL:
        words = (
            "The guess of the next token hardly changes: **{old}** has {old_before} before and "
            "{old_after} after, {nats}."
        )
    elif before["id"] == after["id"]:
        words = (
            "**{old}** stays the likeliest next token; its probability goes from {old_before} to "
            "{old_after}. The two guesses are {nats} apart."
        )
    else:
        words = (
            "**{old}** goes from {old_before} to {old_after}, and now **{new}** is likeliest with "
            "{new_after}. The two guesses are {nats} apart."
        )
    return words.format(**values)


def of_loss(found: Effect) -> str:
    """What the change does to the loss of the text."""
    values = {"before": f"{found.loss_before:.2f}", "after": f"{found.loss_after:.2f}"}
    change = found.loss_after - found.loss_before
    if not math.isfinite(found.loss_after):
        words = "With the change, at least one token of the text has no chance at all."
    elif abs(change) < SMALL:
        words = "The model guesses the text itself as well as before: {after} nats a token."
    elif change > 0:
        words = "The model guesses the text itself worse: {after} nats a token, before {before}."
    else:
        words = "The model guesses the text itself better: {after} nats a token, before {before}."
    return words.format(**values)


def of_texts(before: Sequence[int], after: Sequence[int]) -> str:
    """How far two texts go together that were written with the same dice; each is its ids."""
    if not before and not after:
        return "The text is as long as what the model can read, so nothing can be written after it."
    pairs = zip_longest(before, after)
    same = next((i for i, (one, other) in enumerate(pairs) if one != other), None)
    if same is None:
        return f"With the change, the run writes the very same {_tokens(len(before))}."
    if same == 0:
        return "With the change, already the first token is another."
    return f"Both runs write the same {_tokens(same)}; then they part."


def of_attention(moved: np.ndarray, layer: int, head: int) -> str:
    """Which head's pattern changes most; moved holds the largest change of each, (n_layer, H)."""
    most = moved[layer, head]
    if most == 0:
        return "No head looks anywhere else than before."
    n = int((moved >= 0.1).sum())
    values = {"head": f"L{layer} H{head}", "most": f"{most:.2f}", "n": n, "all": moved.size}
    return (
        "**{head}** changes where it looks most: one of its weights by {most}. Of {all} heads, {n} "
        "change some weight by 0.1 or more."
    ).format(**values)


def of_heads(values: np.ndarray, by: str, token: str) -> str:
    """Which head matters most; values is (n_layer, H), and token the one whose chance they are."""
    sign = -1 if by == "likeliest" else 1
    layer, head = (int(i) for i in np.unravel_index((sign * values).argmax(), values.shape))
    most = values[layer, head]
    if sign * most < SMALL:
        return "No single head matters here: without any of them hardly anything changes."
    words = {
        "loss": "Without **{head}** the loss of the text rises most, by {most:.2f} nats a token.",
        "kl": "Without **{head}** the guess of the next token changes most, by {most:.2f} nats.",
        "likeliest": "Without **{head}** “{token}” loses most: {points} of its probability.",
    }[by]
    return words.format(
        head=f"L{layer} H{head}",
        most=most,
        token=show.literal(token),
        points=f"{abs(most) * 100:.0f} percentage points",
    )


def _tokens(n: int) -> str:
    return "token" if n == 1 else f"{n} tokens"


def percent(probability: float) -> str:
    """A probability in per cent, as exact as is worth saying."""
    if probability < 0.001:
        return "below 0.1 %"
    digits = 1 if probability < 0.1 else 0
    return f"{100 * probability:.{digits}f} %"
