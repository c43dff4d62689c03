"""What the browsers share: models, what is found in them, and the one slot for the processor.

What was found is kept, up to a bound, and found once however many browsers ask. One computation
runs at a time: two at once would only share the same cores. A run that waits for its turn lets
Streamlit look between two tries, so a run that the user has superseded ends there instead of
computing.
"""

import sys
import threading
from collections.abc import Callable, Hashable, Iterator
from concurrent.futures import wait
from contextlib import ExitStack, contextmanager
from dataclasses import fields, is_dataclass
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

import numpy as np
import streamlit as st
from cachetools import LRUCache
from streamlit.runtime.scriptrunner import get_script_run_ctx
from torch import Tensor

from gptviz import checkpoints, language_model
from gptviz.activations import Trace
from gptviz.app import allowance, waiting_bar
from gptviz.app.long_work import Progress, waiting
from gptviz.app.turns import Turns
from gptviz.journey import Journey
from gptviz.language_model import LanguageModel

T = TypeVar("T")

MODELS_KEPT = 3
STEP_BYTES_KEPT = 256 * 2**20  # of the models of a run's steps: dozens of small ones
TRACE_BYTES_KEPT = 512 * 2**20
FINDING_BYTES_KEPT = 128 * 2**20
LOOKS_EVERY = 0.1  # seconds, after which a page that waits for long work looks how far it is


def memory(finding: Any) -> int:
    """About how many bytes a finding keeps: those of all its parts."""
    if isinstance(finding, list | tuple):
        parts = list(finding)
    elif isinstance(finding, dict):
        parts = [*finding, *finding.values()]
    elif is_dataclass(finding):
        parts = [getattr(finding, part.name) for part in fields(finding)]
    else:
        parts = []
    return getattr(finding, "nbytes", sys.getsizeof(finding)) + sum(map(memory, parts))


def _model_memory(lm: LanguageModel) -> int:
    """About how many bytes a model takes; at most STEP_BYTES_KEPT, so that any is kept alone."""
    # Large layers keep their weights in a second layout, too.
    return min(STEP_BYTES_KEPT, 2 * sum(p.nbytes for p in lm.model.parameters()))


_lock = threading.Lock()
_turns = Turns()
_models: LRUCache[Hashable, LanguageModel] = LRUCache(MODELS_KEPT)
_steps: LRUCache[Hashable, LanguageModel] = LRUCache(STEP_BYTES_KEPT, _model_memory)
_traces: LRUCache[Hashable, Trace] = LRUCache(TRACE_BYTES_KEPT, lambda trace: trace.nbytes)
_findings: LRUCache[Hashable, Any] = LRUCache(FINDING_BYTES_KEPT, memory)
# How each kept trace, and each journey through one, was made.
_keys: WeakKeyDictionary[Trace | Journey, Hashable] = WeakKeyDictionary()


def look(function: Callable[..., T], *arguments: Any) -> T:
    """What a function finds, computed once for all browsers that ask with equal arguments.

    The function stands in a module or a class, so that its name tells it from all others.
    Arguments are models, traces and journeys that come from here, tensors, and whatever can be
    hashed; what the function returns is shared, so nobody may change it. What it raises is raised
    each time.
    """
    if "<locals>" in function.__qualname__:
        raise ValueError(f"{function.__qualname__} has no name that tells it from others")
    key = (function.__module__, function.__qualname__, *map(_key, arguments))
    # A trace is far larger than what is found in it, and must not drive that out.
    cache = _traces if function is LanguageModel.trace else _findings
    found = shared(cache, key, lambda: function(*arguments))
    if isinstance(found, Trace | Journey):
        with _lock:
            _keys.setdefault(found, key)
    return found


def trace(lm: LanguageModel, ids: tuple[int, ...]) -> Trace:
    """Everything that happens inside the model on these ids."""
    return look(LanguageModel.trace, lm, ids)


def _key(argument: Any) -> Hashable:
    """What stands for an argument: equal for equal contents."""
    match argument:
        case LanguageModel():
            return argument.digest
        case Trace() | Journey():
            return _keys[argument]
        case Tensor():
            return (tuple(argument.shape), argument.numpy().tobytes())
        case np.ndarray():
            return (argument.shape, argument.tobytes())
    return argument


@contextmanager
def slot(long: bool = False) -> Iterator[None]:
    """Wait for the processor; a run that the user has superseded ends while it waits.

    Long work takes one turn after the other, and short work goes first.
    """
    with _turns.take(long, look=end_if_superseded):
        yield


def end_if_superseded() -> None:
    """End this run here if the user has changed something since it began."""
    # Streamlit ends a superseded run whenever the run asks for its state.
    if get_script_run_ctx(suppress_warning=True):
        _ = "page" in st.session_state


def shared(cache: LRUCache[Hashable, T], key: Hashable, compute: Callable[[], T]) -> T:
    """The cached value of a key; computed once, however many browsers ask at the same time."""
    with _lock:
        found = cache.get(key)
    if found is not None:
        return found
    with slot():
        with _lock:
            found = cache.get(key)
        if found is None:
            found = compute()
            _keep(cache, key, found)
    return found


def _keep(cache: LRUCache[Hashable, T], key: Hashable, found: T) -> None:
    with _lock:
        if cache.getsizeof(found) <= cache.maxsize:  # or else it would drive out all the rest
            cache[key] = found


def look_for_long(function: Callable[..., T], *arguments: Any, words: str) -> T:
    """As `look`, for a function that takes long and tells its progress.

    Its last argument is a function that it calls with what is done and of how much; there the
    processor goes to the next browser that waits. What several browsers ask for at once is found
    once; where none of them waits any more, the work ends. A bar beside the words shows how far
    it is, and a button stops it: then this run of the page ends here, with a way to begin again. So
    it does for a visitor of a class who has used what there is for each.
    """
    key = (function.__module__, function.__qualname__, *map(_key, arguments))
    if (found := known(key)) is not None:
        return found

    def compute(tell: Progress) -> T:
        with ExitStack() as turns:

            def progress(done: int, whole: int) -> None:
                turns.close()  # the processor goes round
                tell(done, whole)
                turns.enter_context(slot(long=True))

            turns.enter_context(slot(long=True))
            if (found := known(key)) is None:  # what was under way may just have ended
                found = function(*arguments, progress)
                _keep(_findings, key, found)
            return found

    with waiting_bar.place(key) as bar, waiting(key, compute) as work:
        bill = allowance.Bill(work)
        try:
            while not wait([work.found], LOOKS_EVERY).done:
                end_if_superseded()
                bill.pay()
                allowance.require()
                bar(work.share, words)
        finally:  # whoever turns to something else before the end pays, too
            bill.pay()
    return work.found.result()


def known(key: Hashable) -> Any:
    """What was found under a key of `shared_finding`, or None."""
    with _lock:
        return _findings.get(key)


def shared_finding(key: Hashable, compute: Callable[[], T]) -> T:
    """As `look`, where the key has to be named; its first part is the name of the subject."""
    return shared(_findings, key, compute)


def model(name: str) -> LanguageModel:
    """The model of a name that `checkpoints.names()` lists, loaded once for all browsers.

    A checkpoint that has changed on disk is loaded anew.
    """
    try:
        return _model(name)
    except FileNotFoundError:  # a run that trains has just put a newer checkpoint in its place
        return _model(name)


def _model(name: str) -> LanguageModel:
    key = (name, checkpoints.fingerprint(checkpoints.find_listed(name)))
    cache = _steps if "@" in name else _models
    return shared(cache, key, lambda: language_model.load(name))
