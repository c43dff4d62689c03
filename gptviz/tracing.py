"""Watch a forward pass: named activations, recorded and, if asked, changed on the way.

Hooks are registered once, before a second thread can see the model. A hook looks up the
recording of the thread that runs it and does nothing when there is none; so many threads trace
one shared model at a time, and no trace sees another's tensors.

Scores and patterns grow with the square of the text, and hardly anyone looks at all of them. So
attention runs fused, which never makes them, and a trace makes those of a layer from its queries
and keys when they are asked for: always the same numbers. Only where an edit changes them does a
layer run step by step, in the thread that asks for it and in no other.
"""

import difflib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from weakref import WeakSet

import torch
from torch import Tensor, nn

from gptviz.config import GPTConfig
from gptviz.model import GPT, Inner, masked_scores

Edit = Callable[[Tensor], Tensor]

_installed: WeakSet[GPT] = WeakSet()

BLOCK_NAMES = (
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


@dataclass(frozen=True, eq=False)
class Scores:
    """A layer's attention scores, made from its queries and keys when they are asked for."""

    q: Tensor  # (H, T, d)
    k: Tensor  # (H, T, d)

    @torch.inference_mode()
    def make(self) -> Tensor:
        return masked_scores(self.q, self.k)  # (H, T, T)


class Pattern(Scores):
    """A layer's attention pattern, made when it is asked for."""

    @torch.inference_mode()
    def make(self) -> Tensor:
        return super().make().softmax(-1)  # (H, T, T)


@dataclass(frozen=True, eq=False)
class Trace(Mapping[str, Tensor]):
    """The activations of one run, by name and without a batch dimension."""

    ids: list[int]
    tokens: list[str]  # one visible piece a token
    activations: dict[str, Tensor | Scores] = field(repr=False)

    def __getitem__(self, name: str) -> Tensor:
        try:
            activation = self.activations[name]
        except KeyError:
            kept = ", ".join(self.activations) or "nothing"
            raise KeyError(f"{name} was not recorded in this trace; it holds {kept}") from None
        return activation.make() if isinstance(activation, Scores) else activation

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
        kept = (a for a in self.activations.values() if isinstance(a, Tensor))
        storages = (tensor.untyped_storage() for tensor in kept)
        return sum({storage.data_ptr(): storage.nbytes() for storage in storages}.values())


def activation_names(config: GPTConfig) -> list[str]:
    """Every name that a trace can hold, in the order in which the network computes them."""
    blocks = [
        f"h.{i}.{name}" if name else f"h.{i}"
        for i in range(config.n_layer)
        for name in (*BLOCK_NAMES, "")
    ]
    return ["wte", "wpe", "embed", *blocks, "ln_f", "logits"]


def install(model: GPT) -> None:
    """Register the hooks of a model: once, when it is loaded, and never again.

    A tensor inside a fused operation gets no hook, which would make the model go step by step
    for everyone, but a module that listens. Raises RuntimeError the second time.
    """
    if model in _installed:
        raise RuntimeError("this model already has its tracing hooks")
    _installed.add(model)
    for name in activation_names(model.config):
        module = model.get_submodule(name)
        if isinstance(module, Inner):
            model.set_submodule(name, _Listener(name))
        else:
            module.register_forward_hook(partial(_observe, name))


def run(
    model: GPT,
    ids: list[int],
    names: Iterable[str] | None = None,
    edits: Mapping[str, Edit] | None = None,
) -> dict[str, Tensor | Scores]:
    """Run the model on one text and return its activations by name.

    names keeps only those; a `*` stands for every layer, as in "h.*.attn.pattern". Logits that
    nobody asks for are not computed. edits maps a name, with or without a `*`, to a function
    that gets the activation (no batch dimension) and returns what the rest of the network shall
    see instead, of the same shape. Raises ValueError for a name that the model does not have
    and for an edit of another shape.
    """
    known = activation_names(model.config)
    wanted = set(known if names is None else _expand(names, known))
    edits = {name: edit for key, edit in (edits or {}).items() for name in _expand([key], known)}
    made = {name: layer for name in wanted if (layer := _layer_of_square(name))}
    recording = _Recording(wanted.union(*(_inputs(layer) for layer in made.values())), edits)
    # In a small model with GPT-2's vocabulary the output layer is most of the work.
    read = model if "logits" in wanted.union(edits) else model.hidden
    with torch.inference_mode(), _current_is(recording):
        read(torch.tensor([ids], device=model.wte.weight.device))
    found: dict[str, Tensor | Scores] = dict(recording.kept)
    for name in made.keys() - recording.kept.keys():
        q, k = (recording.kept[part] for part in _inputs(made[name]))
        square = (Pattern if name.endswith(".pattern") else Scores)(q, k)
        # Where nobody asked for queries and keys, keeping them is not what was asked for.
        found[name] = square if wanted.issuperset(_inputs(made[name])) else square.make()
    return {name: found[name] for name in known if name in wanted}


@dataclass(frozen=True)
class _Recording:
    names: set[str]
    edits: dict[str, Edit]
    kept: dict[str, Tensor] = field(default_factory=dict)

    def observe(self, name: str, output: Tensor) -> Tensor | None:
        edit = self.edits.get(name)
        if edit is not None:
            before = output[0]
            with _current_is(None):  # an edit may run the model itself: that is another run
                after = edit(before.clone())  # a copy, so that an edit in place harms no one
            if _kind(after) != _kind(before):
                raise ValueError(
                    f"the edit of {name} returned {_kind(after)}; it must return {_kind(before)}"
                )
            output = after.unsqueeze(0)
        if name in self.names:
            self.kept[name] = output[0]
        return None if edit is None else output


_current: ContextVar[_Recording | None] = ContextVar("gptviz_recording", default=None)


@contextmanager
def _current_is(recording: _Recording | None) -> Iterator[None]:
    token = _current.set(recording)
    try:
        yield
    finally:
        _current.reset(token)


class _Listener(Inner):
    """Gives an inner tensor to the recording of the thread that runs it, if it changes that one."""

    def __init__(self, name: str):
        super().__init__()
        self.name = name

    @property
    def wanted(self) -> bool:
        recording = _current.get()
        return super().wanted or (recording is not None and self.name in recording.edits)

    def forward(self, tensor: Tensor) -> Tensor:
        recording = _current.get()
        changed = None if recording is None else recording.observe(self.name, tensor)
        return tensor if changed is None else changed


def _observe(name: str, module: nn.Module, inputs: Any, output: Tensor) -> Tensor | None:  # noqa: ARG001
    recording = _current.get()
    return None if recording is None else recording.observe(name, output)


def _kind(value: object) -> str:
    if not isinstance(value, Tensor):
        return f"a {type(value).__name__}"
    return f"a tensor of shape {tuple(value.shape)} and type {value.dtype}"


def _expand(patterns: Iterable[str], known: list[str]) -> list[str]:
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


def _inputs(attn: str) -> tuple[str, str]:
    return f"{attn}.q", f"{attn}.k"


def _layer_of_square(name: str) -> str:
    """h.3.attn for one of its squares; nothing for any other name."""
    attn, _, part = name.rpartition(".")
    return attn if part in ("scores", "pattern") else ""
