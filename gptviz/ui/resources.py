"""What the browsers share: models, traces and the one slot for work on the processor.

Caches hold whole models and tensors, so each is bounded. One forward pass runs at a time:
two at once would only share the same cores. A run that waits for its turn calls Streamlit
between two looks, so a run that the user has superseded ends there instead of computing.
Turns are taken in the order of asking: with a plain lock, a run that asks again at once, as
one that writes a text does after each token, would leave the others waiting for minutes.
"""

import sys
import threading
from collections import deque
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from dataclasses import fields, is_dataclass
from typing import Any, TypeVar

import pandas as pd
from cachetools import LRUCache
from streamlit.delta_generator import DeltaGenerator
from torch import Tensor

from gptviz import checkpoints, generation, language_model
from gptviz.activations import Trace
from gptviz.analysis import layer_norms, overview
from gptviz.analysis.layer_norms import LeftOut
from gptviz.analysis.overview import Check, Journey
from gptviz.analysis.stream import Stream, measure
from gptviz.analysis.time_machine import Moments
from gptviz.language_model import LanguageModel
from gptviz.training.runs import Run
from gptviz.ui import run_steps

T = TypeVar("T")

MODELS_KEPT = 3
STEP_BYTES_KEPT = 256 * 2**20  # of the models of a run's steps: dozens of small ones
TRACE_BYTES_KEPT = 512 * 2**20
SUMMARY_BYTES_KEPT = 128 * 2**20


def memory(summary: Any) -> int:
    """About how many bytes a summary keeps: those of all its parts."""
    if isinstance(summary, list | tuple):
        parts = list(summary)
    elif is_dataclass(summary):
        parts = [getattr(summary, part.name) for part in fields(summary)]
    else:
        parts = []
    return getattr(summary, "nbytes", sys.getsizeof(summary)) + sum(map(memory, parts))


def _model_memory(lm: LanguageModel) -> int:
    """About how many bytes a model takes; at most STEP_BYTES_KEPT, so that any is kept alone."""
    # Large layers keep their weights in a second layout, too.
    return min(STEP_BYTES_KEPT, 2 * sum(p.nbytes for p in lm.model.parameters()))


_lock = threading.Lock()
_turns: deque[threading.Event] = deque()
_models: LRUCache[Hashable, LanguageModel] = LRUCache(MODELS_KEPT)
_steps: LRUCache[Hashable, LanguageModel] = LRUCache(STEP_BYTES_KEPT, _model_memory)
_traces: LRUCache[Hashable, Trace] = LRUCache(TRACE_BYTES_KEPT, lambda trace: trace.nbytes)
_summaries: LRUCache[Hashable, Any] = LRUCache(SUMMARY_BYTES_KEPT, memory)


@contextmanager
def slot(waiting: DeltaGenerator) -> Iterator[None]:
    """Wait for the processor, in the place `waiting`; a superseded run ends while it waits."""
    turn = threading.Event()
    with _lock:
        _turns.append(turn)
        _turns[0].set()
    try:
        ours = False
        while not ours:
            ours = turn.wait(timeout=0.05)
            waiting.empty()  # here a superseded run ends, even if its turn has just come
        yield
    finally:
        with _lock:
            _turns.remove(turn)
            if _turns:
                _turns[0].set()


def shared(
    cache: LRUCache[Hashable, T], key: Hashable, waiting: DeltaGenerator, compute: Callable[[], T]
) -> T:
    """The cached value of a key; computed once, however many browsers ask at the same time."""
    with _lock:
        found = cache.get(key)
    if found is not None:
        return found
    with slot(waiting):
        with _lock:
            found = cache.get(key)
        if found is None:
            found = compute()
            with _lock:
                if cache.getsizeof(found) <= cache.maxsize:
                    cache[key] = found
    return found


def model(name: str, waiting: DeltaGenerator) -> LanguageModel:
    """The model of a name that `checkpoints.names()` lists, loaded once for all browsers.

    A checkpoint that has changed on disk is loaded anew.
    """
    try:
        return _model(name, waiting)
    except FileNotFoundError:  # a run that trains has just put a newer checkpoint in its place
        return _model(name, waiting)


def _model(name: str, waiting: DeltaGenerator) -> LanguageModel:
    key = (name, checkpoints.fingerprint(checkpoints.find_listed(name)))
    cache = _steps if "@" in name else _models
    return shared(cache, key, waiting, lambda: language_model.load(name))


def look_at_step(
    run: Run,
    step: int,
    what: Hashable,
    look: Callable[[Moments], T],
    waiting: DeltaGenerator,
) -> T:
    """What `look` finds in a run's snapshot; `what` stands for it. A known one loads no model.

    Raises FileNotFoundError for a step of which there is no snapshot.
    """
    key = (what, checkpoints.fingerprint(run.snapshot(step)))
    with _lock:
        found = _summaries.get(key)
    if found is not None:
        return found
    lm = model(run_steps.name_at(run, step), waiting)
    return shared(_summaries, key, waiting, lambda: look([(step, lm)]))


def n_parameters(lm: LanguageModel, waiting: DeltaGenerator) -> int:
    """How many numbers training adjusts, counted once: every page of every browser shows it."""
    key = ("n_parameters", lm.digest)
    return shared(_summaries, key, waiting, lambda: lm.model.n_parameters)


def trace(lm: LanguageModel, ids: tuple[int, ...], waiting: DeltaGenerator) -> Trace:
    """Everything that happens inside the model on these ids."""
    return shared(_traces, (lm.digest, ids), waiting, lambda: lm.trace(ids))


def journey(lm: LanguageModel, ids: tuple[int, ...], waiting: DeltaGenerator) -> Journey:
    """The way of these ids through the model, in few numbers."""
    run = trace(lm, ids, waiting)
    key = ("journey", lm.digest, ids)
    return shared(_summaries, key, waiting, lambda: overview.journey(lm, run))


def likeliest(
    lm: LanguageModel, ids: tuple[int, ...], position: int, waiting: DeltaGenerator
) -> pd.DataFrame:
    """The ten likeliest tokens after a position of these ids."""
    run = trace(lm, ids, waiting)
    key = ("likeliest", lm.digest, ids, position)
    return shared(_summaries, key, waiting, lambda: overview.likeliest_tokens(lm, run, position))


def self_checks(lm: LanguageModel, ids: tuple[int, ...], waiting: DeltaGenerator) -> list[Check]:
    """The laws that this run obeys, with their numbers."""
    run = trace(lm, ids, waiting)
    key = ("self_checks", lm.digest, ids)
    return shared(_summaries, key, waiting, lambda: overview.self_checks(lm, run))


def stream(lm: LanguageModel, ids: tuple[int, ...], waiting: DeltaGenerator) -> Stream:
    """Mean, spread and norm of the residual stream of these ids, stage by stage."""
    run = trace(lm, ids, waiting)
    key = ("stream", lm.digest, ids)
    return shared(_summaries, key, waiting, lambda: measure(lm.config, run))


def leave_out(
    lm: LanguageModel, ids: tuple[int, ...], norm: str, waiting: DeltaGenerator
) -> LeftOut:
    """The run on these ids beside one without a layer norm."""
    run = trace(lm, ids, waiting)
    key = ("leave_out", lm.digest, ids, norm)
    return shared(_summaries, key, waiting, lambda: layer_norms.leave_out(lm, run, norm))


def next_logits(lm: LanguageModel, ids: tuple[int, ...], waiting: DeltaGenerator) -> Tensor:
    """The logits (V,) from which the model draws the token after these ids."""
    key = ("next_logits", lm.digest, ids)
    return shared(
        _summaries, key, waiting, lambda: generation.next_logits(lm.model, list(ids)).cpu()
    )
