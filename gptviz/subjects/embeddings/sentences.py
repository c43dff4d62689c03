"""What the cosines of a text's tokens say, as a sentence, by rules; plain text."""

from collections.abc import Sequence

import numpy as np


def most_alike(cosines: np.ndarray, tokens: Sequence[str], chosen: int) -> str:
    """Which other token is most like the chosen one; "" for a text of one token.

    cosines: (T, T).
    """
    others = [i for i in range(len(tokens)) if i != chosen]
    if not others:
        return ""
    nearest = max(others, key=lambda i: cosines[chosen, i])
    cosine = float(cosines[chosen, nearest])
    place = "most like" if cosine > 0 else "least unlike"
    return (
        f"Of this text's tokens, number {chosen}, “{tokens[chosen]}”, is {place} number {nearest}, "
        f"“{tokens[nearest]}”: a cosine of {cosine:.2f}."
    )
