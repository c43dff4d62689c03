"""What the cosines of a text's tokens say, as a sentence, by rules; plain text."""

from collections.abc import Sequence

import numpy as np


def most_alike(cosines: np.ndarray, tokens: Sequence[str], chosen: int) -> str:
    """Which other token is most like the chosen one; "" where all tokens are the same.

    cosines: (T, T).
    """
    others = [i for i, token in enumerate(tokens) if token != tokens[chosen]]
    if not others:
        return ""
    nearest = max(others, key=lambda i: cosines[chosen, i])
    cosine = float(cosines[chosen, nearest])
    place = "most like" if cosine > 0 else "least unlike"
    return (
        f"Number {chosen}, “{tokens[chosen]}”, is {place} number {nearest}, “{tokens[nearest]}”, "
        f"of this text's other tokens: a cosine of {cosine:.2f}."
    )
