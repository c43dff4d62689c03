"""A text of random segments that repeat, in which only looking back helps.

Each segment is random characters of random length, said some times in a row; then comes the
next one. What stands in a segment cannot be guessed, what stands in its repeats can: by finding
the last place at which the present character stood and reading on from there. As the lengths
vary, no fixed distance leads back, so a head that counts positions does not help for long: what
helps is an induction head (Olsson et al., 2022).
"""

import string

import numpy as np

ALPHABET = string.ascii_letters
LENGTHS = (6, 33)  # characters of a segment: at least, and fewer than
TIMES = (6, 13)  # how often it occurs: at least, and fewer than


def text(n_characters: int = 500_000, seed: int = 0) -> str:
    """A text of that many characters; the same seed gives the same one.

    Raises ValueError if it has no character at all.
    """
    if n_characters < 1:
        raise ValueError(f"a text of {n_characters} characters came; it must have at least 1")
    generator = np.random.default_rng(seed)
    parts, length = [], 0
    while length < n_characters:
        chosen = generator.integers(len(ALPHABET), size=generator.integers(*LENGTHS))
        segment = "".join(ALPHABET[i] for i in chosen) * int(generator.integers(*TIMES))
        parts.append(segment)
        length += len(segment)
    return "".join(parts)[:n_characters]
