"""What a model is made of: parameters by part, and the room that they take."""

import pandas as pd

from gptviz import parameters
from gptviz.config import GPTConfig

BITS = (32, 16, 8)
NONE = {  # why a part has no parameters
    "attention": "it is left out",
    "MLP": "it is left out",
    "position embedding": "positions are not learnt",
    "layer norms": "there are none",
    "output layer": "the token embedding, used again",
}


def parts(config: GPTConfig) -> pd.DataFrame:
    """The parameters of each part of a model of this shape, a row each, in the order of a text.

    Columns: part, formula (in the letters of `gptviz.parameters`), filled (the same in numbers),
    one (of a single layer's part, or of the only one), parameters (of all of them), share.
    """
    values = parameters.letters(config)
    whole = parameters.count(config)
    rows = [
        (
            part,
            formula.text or NONE[part],
            formula.filled(values) or "0",
            formula.one(values),
            formula.all(values),
            formula.all(values) / whole,
        )
        for part, formula in parameters.formulas(config).items()
    ]
    return pd.DataFrame(rows, columns=["part", "formula", "filled", "one", "parameters", "share"])


def without_output_layer(config: GPTConfig) -> int:
    """The parameters of all parts but an output layer of its own."""
    found = parts(config)
    return int(found.loc[found["part"] != "output layer", "parameters"].sum())


def sizes(config: GPTConfig) -> pd.DataFrame:
    """How much room the parameters take with so many bits a number.

    Columns: bits, bytes (of all parameters), MB (millions of bytes), MiB (2²⁰ bytes).
    """
    found = [(bits, bits // 8 * parameters.count(config)) for bits in BITS]
    rows = [(bits, n_bytes, n_bytes / 1e6, n_bytes / 2**20) for bits, n_bytes in found]
    return pd.DataFrame(rows, columns=["bits", "bytes", "MB", "MiB"])
