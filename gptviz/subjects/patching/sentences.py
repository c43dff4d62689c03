"""What a patching map says, as a sentence made from its numbers by fixed rules."""

from collections.abc import Sequence

import numpy as np

from gptviz.app import show

LITTLE = 0.1  # restored: too little to name


def of_heads(values: np.ndarray) -> str:
    """Which heads restore most; values is (n_layer, H)."""
    layer, head = (int(i) for i in np.unravel_index(values.argmax(), values.shape))
    best = values[layer, head]
    if best < LITTLE:
        return "No head by itself restores even a tenth: what makes the difference is shared out."
    order = np.argsort(-values, axis=None)[1]
    second = tuple(int(i) for i in np.unravel_index(order, values.shape))
    named = {"head": f"L{layer} H{head}", "best": f"{100 * best:.0f} %"}
    if values[second] < LITTLE:
        words = "**{head}** alone restores {best} of the difference; no other head a tenth."
        return words.format(**named)
    words = "**{head}** alone restores {best} of the difference, **{next}** {rest}."
    return words.format(
        **named, next=f"L{second[0]} H{second[1]}", rest=f"{100 * values[second]:.0f} %"
    )


def of_positions(values: np.ndarray, tokens: Sequence[str]) -> str:
    """At which token most is restored, and in which layers; values is (n_layer, T).

    NaN stands where it goes without saying.
    """
    values = np.nan_to_num(values)
    layer, position = (int(i) for i in np.unravel_index(values.argmax(), values.shape))
    best = values[layer, position]
    if best < LITTLE:
        return "No single place restores even a tenth of the difference."
    # The layers at this token that restore at least half as much, around the best one.
    strong = values[:, position] >= best / 2
    first = last = layer
    while first > 0 and strong[first - 1]:
        first -= 1
    while last + 1 < len(strong) and strong[last + 1]:
        last += 1
    named = {
        "token": f"{position} “{show.literal(tokens[position])}”",
        "best": f"{100 * best:.0f} %",
        "layer": f"L{layer}",
        "first": f"L{first}",
        "last": f"L{last}",
    }
    if first == last:
        words = "Most is restored at token {token} in **{layer}**: {best}."
    else:
        words = (
            "Most is restored at token {token}: {best} in **{layer}**, and at least half of that "
            "from {first} to {last}."
        )
    return words.format(**named)
