"""Watch a forward pass: record its activations and, if asked, change them on the way.

Hooks are registered once, before a second thread can see the model. A hook looks up the
recording of the thread that runs it and does nothing when there is none; so many threads trace
one shared model at a time, and no trace sees another's tensors.

The network does not compute a tensor inside a fused operation, so it cannot be recorded: a trace
computes it when it is asked for. If an edit changes such a tensor, the network computes it on the
way, only in the thread of that edit.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from weakref import WeakSet

import torch
from torch import Tensor, nn

from gptviz.activations import Derived, activation_names, derived, expand, parts_of
from gptviz.config import GPTConfig
from gptviz.layers import Inner, LayerNorm
from gptviz.model import GPT

Edit = Callable[[Tensor], Tensor]

_installed: WeakSet[GPT] = WeakSet()


def install(model: GPT) -> None:
    """Register the hooks of a model: once, when it is loaded, and never again.

    A tensor inside a fused operation gets no hook, which would make the model go step by step
    in every thread, but is replaced by a module that listens. Raises RuntimeError the second time.
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
        if isinstance(module, LayerNorm):
            module.register_forward_pre_hook(partial(_observe_input, f"{name}.input"))


def run(
    model: GPT,
    ids: list[int],
    names: Iterable[str] | None = None,
    edits: Mapping[str, Edit] | None = None,
) -> dict[str, Tensor | Derived]:
    """Run the model on one text and return its activations by name.

    names keeps only those; a `*` stands for every layer, as in "h.*.attn.pattern". Logits are
    computed only if they are asked for. edits maps a name, with or without a `*`, to a function
    that gets the activation (no batch dimension) and returns what the rest of the network
    sees instead, of the same shape. Raises ValueError for a name that the model does not have
    and for an edit of another shape.
    """
    known = activation_names(model.config)
    wanted = set(known if names is None else expand(names, known))
    edits = {name: edit for key, edit in (edits or {}).items() for name in expand([key], known)}
    recording = _Recording(model.config, wanted.union(*map(parts_of, wanted)), edits)
    # In a small model with GPT-2's vocabulary the output layer is most of the work.
    read = model if "logits" in wanted.union(edits) else model.hidden
    with torch.inference_mode(), _current_is(recording):
        read(torch.tensor([ids], device=model.wte.weight.device))
    # A trace of some activations keeps no others in memory.
    may_keep = recording.names if names is None else wanted
    return {name: recording.found(name, may_keep) for name in known if name in wanted}


@contextmanager
def changed(model: GPT, edits: Mapping[str, Edit]) -> Iterator[None]:
    """Inside of the block, edits change this thread's runs of one text, as those of `run` do."""
    known = activation_names(model.config)
    edits = {name: edit for key, edit in edits.items() for name in expand([key], known)}
    with torch.inference_mode(), _current_is(_Recording(model.config, set(), edits)):
        yield


@torch.inference_mode()
def hidden_from(model: GPT, stream: Tensor, block: int, edits: Mapping[str, Edit]) -> Tensor:
    """The residual stream after the final norm, (B, T, C), of runs that go on from a block.

    stream (B, T, C) is what that block reads, of texts side by side. An edit gets the activation
    of all of them, its batch dimension first, so it can change each in another way. Raises
    ValueError as `run` does.
    """
    known = activation_names(model.config)
    edits = {name: edit for key, edit in edits.items() for name in expand([key], known)}
    with _current_is(_BatchRecording(model.config, set(), edits)):
        for later in model.h[block:]:
            stream = later(stream)
        return model.ln_f(stream)


@dataclass(frozen=True)
class _Recording:
    config: GPTConfig
    names: set[str]
    edits: dict[str, Edit]
    kept: dict[str, Tensor] = field(default_factory=dict)

    def observe(self, name: str, output: Tensor) -> Tensor | None:
        edit = self.edits.get(name)
        if edit is not None:
            before = self.without_batch(output)
            with _current_is(None):  # an edit may run the model itself: that is another run
                after = edit(before.clone())  # a copy, as an edit may change its argument in place
            if _kind(after) != _kind(before):
                raise ValueError(
                    f"the edit of {name} returned {_kind(after)}; it must return {_kind(before)}"
                )
            output = after.reshape(output.shape)
        if name in self.names:
            self.kept[name] = output[0]
        return None if edit is None else output

    def without_batch(self, output: Tensor) -> Tensor:
        """What an edit sees: the one text that is read."""
        return output[0]

    def found(self, name: str, may_keep: set[str]) -> Tensor | Derived:
        """An activation as it was recorded; else made now, or later if its parts may be kept."""
        if name in self.kept:
            return self.kept[name]
        parts = parts_of(name)
        made = derived(self.config, name, tuple(self.kept[part] for part in parts))
        return made if may_keep.issuperset(parts) else made.make()


class _BatchRecording(_Recording):
    """For several texts at once, of which each may be changed in its own way."""

    def without_batch(self, output: Tensor) -> Tensor:
        return output


_current: ContextVar[_Recording | None] = ContextVar("gptviz_recording", default=None)


@contextmanager
def _current_is(recording: _Recording | None) -> Iterator[None]:
    token = _current.set(recording)
    try:
        yield
    finally:
        _current.reset(token)


class _Listener(Inner):
    """An inner tensor that the recording of a thread may keep, and make the network compute."""

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


def _observe_input(name: str, module: nn.Module, inputs: tuple[Tensor, ...]) -> None:  # noqa: ARG001
    if (recording := _current.get()) is not None:
        recording.observe(name, inputs[0])


def _kind(value: object) -> str:
    if not isinstance(value, Tensor):
        return f"a {type(value).__name__}"
    return f"a tensor of shape {tuple(value.shape)} and type {value.dtype}"
