"""How many numbers training adjusts, part by part, from a model's shape alone.

The letters are those of model.py, and L is n_layer, T block_size and D the width inside an MLP.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from gptviz.config import GPTConfig

Product = tuple[str, ...]  # factors, each a key of `letters`


@dataclass(frozen=True)
class Formula:
    """A whole number as a sum of products of letters, and how often it is there."""

    terms: tuple[Product, ...] = ()
    times: str = "1"

    @property
    def text(self) -> str:
        """As it is written with letters: L × (C × D + D). Empty for a sum of nothing."""
        return self._joined({})

    def filled(self, values: Mapping[str, int]) -> str:
        """The same with numbers in the place of the letters."""
        return self._joined({letter: f"{value:,}" for letter, value in values.items()})

    def one(self, values: Mapping[str, int]) -> int:
        """What comes out of the sum."""
        return sum(math.prod(values[factor] for factor in term) for term in self.terms)

    def all(self, values: Mapping[str, int]) -> int:
        """The sum, as often as it is there."""
        return values[self.times] * self.one(values)

    def _joined(self, names: Mapping[str, str]) -> str:
        terms = [" × ".join(names.get(factor, factor) for factor in term) for term in self.terms]
        joined = " + ".join(terms)
        if not terms or self.times == "1":
            return joined
        times = names.get(self.times, self.times)
        times = f"({times})" if " " in times else times
        return f"{times} × ({joined})" if len(terms) > 1 else f"{times} × {joined}"


def letters(config: GPTConfig) -> dict[str, int]:
    """What each factor of a formula is in this shape."""
    L, C = config.n_layer, config.n_embd
    return {
        "L": L,
        "C": C,
        "3C": 3 * C,
        "D": config.mlp_width,
        "V": config.vocab_size,
        "T": config.block_size,
        "L + 1": L + 1,
        "2L": 2 * L,
        "2L + 1": 2 * L + 1,
        **{str(number): number for number in (1, 2, 4)},
    }


def formulas(config: GPTConfig) -> dict[str, Formula]:
    """The parameters of each part, in the order in which a text passes them.

    A part that has none, such as an output layer that shares the embedding's matrix, has a
    formula of no terms.
    """
    qkv_bias = (("3C",),) if config.qkv_bias else ()
    norms = _norms(config)
    return {
        "token embedding": Formula((("V", "C"),)),
        "position embedding": Formula((("T", "C"),) if config.position == "learned" else ()),
        "attention": Formula((("C", "3C"), *qkv_bias, ("C", "C"), ("C",)), "L")
        if config.attention
        else Formula(),
        "MLP": Formula((("C", "D"), ("D",), ("D", "C"), ("C",)), "L") if config.mlp else Formula(),
        "layer norms": Formula((("2", "C"),), norms) if norms else Formula(),
        "output layer": Formula(() if config.tie_weights else (("V", "C"),)),
    }


def count(config: GPTConfig) -> int:
    """The exact number of parameters; no model is made for it, so that any shape is counted."""
    values = letters(config)
    return sum(formula.all(values) for formula in formulas(config).values())


def without_embeddings(config: GPTConfig) -> int:
    """The parameters but those of tokens and positions: N of Kaplan et al. (2020)."""
    values, parts = letters(config), formulas(config)
    embeddings = ("token embedding", "position embedding")
    return sum(part.all(values) for name, part in parts.items() if name not in embeddings)


def _norms(config: GPTConfig) -> str:
    """How many norms a shape has, each with γ and β: one a part, and with norm="pre" the last."""
    of_parts = {2: "2L", 1: "L"}.get(config.attention + config.mlp, "")
    last = "1" if config.norm == "pre" else ""
    return "" if config.norm == "none" else " + ".join(filter(None, (of_parts, last)))
