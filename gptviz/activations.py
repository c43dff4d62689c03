"""The activations of a network by their names, and a trace: those of one run.

Scores and patterns grow with the square of the text, and hardly anyone looks at all of them. So
a trace makes those of a layer from its queries and keys when they are asked for, and what is
inside a layer norm from its input.
"""

import difflib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from gptviz.config import GPTConfig
from gptviz.layers import centred, norm_scale
from gptviz.model import masked_scores
from gptviz.notebook import chips, described
from gptviz.quoting import quoted

if TYPE_CHECKING:
    from gptviz.tokenizers import Tokenizer

_ATTENTION = ("attn.q", "attn.k", "attn.v", "attn.scores", "attn.pattern", "attn.z")
_MLP = ("mlp.pre", "mlp.act")
# What some tensors inside fused operations are made of. The input of a layer norm is no activation
# of its own: it is the residual stream, or with norm="post" a sum.
_PARTS: dict[str, tuple[str, ...]] = {
    "scores": ("q", "k"),
    "pattern": ("q", "k"),
    "scale": ("input",),
    "normalized": ("input",),
}


def activation_names(config: GPTConfig) -> list[str]:
    """Every name that a trace can hold, in the order in which the network computes them.

    A part that the blocks do without still has its name: what it adds is 0.
    """

    def norm(name: str) -> list[str]:
        inside = () if config.norm == "none" else (f"{name}.scale", f"{name}.normalized")
        return [*inside, name]

    last = ["ln_f"] if config.norm == "post" else norm("ln_f")
    attention = [*norm("ln_1"), *_ATTENTION] if config.attention else []
    mlp = [*norm("ln_2"), *_MLP] if config.mlp else []
    block = [*attention, "attn", "resid_mid", *mlp, "mlp"]
    blocks = [
        name
        for i in range(config.n_layer)
        for name in (*(f"h.{i}.{inner}" for inner in block), f"h.{i}")
    ]
    return ["wte", "wpe", "embed", *blocks, *last, "logits"]


def expand(patterns: Iterable[str], known: list[str]) -> list[str]:
    """The known names that are meant; a `*` stands for every layer, as in "h.*.attn.pattern".

    Raises ValueError, with what may have been meant, for a name that is not known.
    """
    if isinstance(patterns, str):
        raise ValueError(
            f"names is the text {quoted(patterns)}; it must be a list: [{quoted(patterns)}]"
        )
    found = []
    for pattern in patterns:
        shape = re.compile(re.escape(pattern).replace(r"\*", r"\d+"))
        matches = [name for name in known if shape.fullmatch(name)]
        if not matches:
            close = difflib.get_close_matches(pattern, known, n=3)
            hint = f"did you mean {' or '.join(close)}?" if close else f"there are {known}"
            raise ValueError(f"this model has no activation {quoted(pattern)}; {hint}")
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
    return tuple(f"{module}.{part}" for part in _PARTS.get(last, ()))


def derived(config: GPTConfig, name: str, parts: tuple[Tensor, ...]) -> Derived:
    """An activation that is made of its parts when it is asked for."""
    epsilon = config.layer_norm_epsilon
    module, _, last = name.rpartition(".")
    layer = int(module.split(".")[1]) if module.startswith("h.") else 0
    divisor = config.attn_divisor(layer)
    rules: dict[str, Callable[..., Tensor]] = {
        "scores": partial(masked_scores, divisor=divisor),
        "pattern": partial(_pattern, divisor=divisor),
        "scale": partial(norm_scale, epsilon=epsilon),
        "normalized": partial(_normalized, epsilon=epsilon),
    }
    return Derived(rules[last], parts)


def _pattern(q: Tensor, k: Tensor, divisor: float) -> Tensor:
    return masked_scores(q, k, divisor).softmax(-1)


def _normalized(x: Tensor, epsilon: float) -> Tensor:
    return centred(x) * norm_scale(x, epsilon)


@dataclass(frozen=True, eq=False, repr=False)
class Trace(Mapping[str, Tensor]):
    """The activations of one run, by name and without a batch dimension."""

    ids: list[int]
    tokens: list[str]  # one visible piece a token
    activations: dict[str, Tensor | Derived]
    config: GPTConfig  # the shape of its model
    tokenizer: "Tokenizer"  # and that by which its ids are read

    def __repr__(self) -> str:
        first = " ".join(self.tokens[:8]) + (" …" if len(self.tokens) > 8 else "")
        return f"Trace of {len(self.ids)} tokens ({first}): {len(self)} activations"

    def _repr_html_(self) -> str:
        config = self.config
        facts = (
            f"{len(self.ids)} tokens",
            config.sizes,
            f"{len(self)} activations",
            f"{self.nbytes / 2**20:.1f} MB",
        )
        return described("Trace", facts, chips(self.tokens, self.ids))

    # Two traces are one only if they are the same object: tensors compare number by number.
    __eq__ = object.__eq__
    __hash__ = object.__hash__

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
