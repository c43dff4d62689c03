"""The activations of a network by their names, and a trace: those of one run.

Scores and patterns grow with the square of the text, and hardly anyone looks at all of them. So
a trace makes those of a layer from its queries and keys when they are asked for.
"""

import difflib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

from gptviz.config import GPTConfig
from gptviz.model import masked_scores

_BLOCK = (
    "ln_1",
    "attn.q",
    "attn.k",
    "attn.v",
    "attn.scores",
    "attn.pattern",
    "attn.z",
    "attn",
    "resid_mid",
    "ln_2",
    "mlp.pre",
    "mlp.act",
    "mlp",
)


def activation_names(config: GPTConfig) -> list[str]:
    """Every name that a trace can hold, in the order in which the network computes them."""
    blocks = [
        f"h.{i}.{name}" if name else f"h.{i}"
        for i in range(config.n_layer)
        for name in (*_BLOCK, "")
    ]
    return ["wte", "wpe", "embed", *blocks, "ln_f", "logits"]


def expand(patterns: Iterable[str], known: list[str]) -> list[str]:
    """The known names that are meant; a `*` stands for every layer, as in "h.*.attn.pattern".

    Raises ValueError, with what may have been meant, for a name that is not known.
    """
    if isinstance(patterns, str):
        raise ValueError(f"names is the text {patterns!r}; it must be a list: [{patterns!r}]")
    found = []
    for pattern in patterns:
        shape = re.compile(re.escape(pattern).replace(r"\*", r"\d+"))
        matches = [name for name in known if shape.fullmatch(name)]
        if not matches:
            close = difflib.get_close_matches(pattern, known, n=3)
            hint = f"did you mean {' or '.join(close)}?" if close else f"there are {known}"
            raise ValueError(f"this model has no activation {pattern!r}; {hint}")
        found += matches
    return found


@dataclass(frozen=True, eq=False)
class Derived:
    """A tensor that is made of others when it is asked for: always the same numbers."""

    rule: Callable[..., Tensor]
    parts: tuple[Tensor, ...]

    @torch.inference_mode()
    def make(self) -> Tensor:
        """The tensor itself."""
        return self.rule(*self.parts)


def parts_of(name: str) -> tuple[str, ...]:
    """The names of what an activation can be made of; none where the network makes it itself."""
    module, _, last = name.rpartition(".")
    return (f"{module}.q", f"{module}.k") if last in _RULES else ()


def derived(name: str, parts: tuple[Tensor, ...]) -> Derived:
    """An activation that is made of its parts when it is asked for."""
    return Derived(_RULES[name.rpartition(".")[2]], parts)


def _pattern(q: Tensor, k: Tensor) -> Tensor:
    return masked_scores(q, k).softmax(-1)


_RULES: dict[str, Callable[..., Tensor]] = {"scores": masked_scores, "pattern": _pattern}


@dataclass(frozen=True, eq=False)
class Trace(Mapping[str, Tensor]):
    """The activations of one run, by name and without a batch dimension."""

    ids: list[int]
    tokens: list[str]  # one visible piece a token
    activations: dict[str, Tensor | Derived] = field(repr=False)

    def __getitem__(self, name: str) -> Tensor:
        try:
            activation = self.activations[name]
        except KeyError:
            kept = ", ".join(self.activations) or "nothing"
            raise KeyError(f"{name} was not recorded in this trace; it holds {kept}") from None
        return activation.make() if isinstance(activation, Derived) else activation

    def __iter__(self) -> Iterator[str]:
        return iter(self.activations)

    def __len__(self) -> int:
        return len(self.activations)

    @property
    def logits(self) -> Tensor:
        """The scores of every next token at each position, (T, V)."""
        return self["logits"]

    @property
    def nbytes(self) -> int:
        """Memory that the activations keep, in bytes; tensors that share it count once."""
        kept = [
            tensor
            for activation in self.activations.values()
            for tensor in (activation.parts if isinstance(activation, Derived) else (activation,))
        ]
        storages = (tensor.untyped_storage() for tensor in kept)
        return sum({storage.data_ptr(): storage.nbytes() for storage in storages}.values())
