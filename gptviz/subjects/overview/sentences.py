"""What the picture of the path says, as a sentence made from its numbers by rules; plain text."""

import numpy as np

from gptviz.journey import Journey


def of_path(way: Journey, token: str, position: int) -> str:
    """How long a token's vector becomes on its way, and which part is longest of what it gets.

    Empty where not all of these lengths are numbers.
    """
    stream, parts = way.stream[:, position], np.stack([way.attn, way.mlp])[..., position]
    if not (np.isfinite(stream).all() and np.isfinite(parts).all()):
        return ""
    start, end = (_length(float(length)) for length in stream[[0, -1]])
    vector = f"the vector of token {position}, “{token}”,"
    if not len(way.attn):
        return f"No block changes {vector} so it stays as long as it was: {start}."
    turn = "keeps its length:" if start == end else f"goes from length {start} to"
    kind, layer = (int(i) for i in np.unravel_index(parts.argmax(), parts.shape))
    name = ("attention", "MLP")[kind]
    return (
        f"On its way, {vector} {turn} {end}. The longest part comes from the {name} of layer "
        f"{layer}: {_length(float(parts[kind, layer]))}."
    )


def _length(length: float) -> str:
    return f"{length:,.1f}" if length >= 1 or length == 0 else f"{length:.2g}"
