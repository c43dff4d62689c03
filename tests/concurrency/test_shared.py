"""What browsers share is computed once, kept within bounds, and never half made."""

import threading
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
import torch
from cachetools import LRUCache

from gptviz.activations import Trace
from gptviz.analysis import overview
from gptviz.language_model import LanguageModel
from gptviz.model import GPT
from gptviz.ui import resources

N = 30  # a class
LONGEST_WAIT = 60  # seconds; a test that would hang fails instead


class Place:
    """Stands in a run's place on the page: tells when the run waits, and may end it there."""

    def __init__(self, superseded: bool = False):
        self.waits = threading.Event()
        self.superseded = superseded

    def empty(self) -> None:
        self.waits.set()
        if self.superseded:
            raise InterruptedError


def ask_together(ask: Callable[[Place], object]) -> list[object]:
    """The answers of N threads, of which N − 1 wait for the slot while it is taken."""
    places = [Place() for _ in range(N)]
    answers: list[object] = [None] * N

    def one(i: int) -> None:
        answers[i] = ask(places[i])

    threads = [threading.Thread(target=one, args=(i,)) for i in range(N)]
    with resources.slot(Place()):
        for thread in threads:
            thread.start()
        for place in places:
            assert place.waits.wait(LONGEST_WAIT)
    for thread in threads:
        thread.join(LONGEST_WAIT)
    return answers


def test_what_many_browsers_ask_for_at_once_is_computed_once():
    cache = LRUCache(10)
    calls = []

    def compute() -> str:
        calls.append(threading.get_ident())
        return "answer"

    answers = ask_together(lambda place: resources.shared(cache, "question", place, compute))
    assert answers == ["answer"] * N
    assert len(calls) == 1


def test_one_computation_runs_at_a_time():
    cache = LRUCache(10)
    first_computes, first_may_end = threading.Event(), threading.Event()
    order = []

    def long_computation() -> str:
        first_computes.set()
        assert first_may_end.wait(LONGEST_WAIT)
        order.append("first")
        return "first"

    def short_computation() -> str:
        order.append("second")
        return "second"

    waiting = Place()
    ask = resources.shared
    first = threading.Thread(target=ask, args=(cache, "one question", Place(), long_computation))
    second = threading.Thread(target=ask, args=(cache, "another", waiting, short_computation))
    first.start()
    assert first_computes.wait(LONGEST_WAIT)
    second.start()
    assert waiting.waits.wait(LONGEST_WAIT)
    first_may_end.set()
    for thread in (first, second):
        thread.join(LONGEST_WAIT)
    assert order == ["first", "second"]


def test_many_browsers_with_one_prompt_share_one_run_of_the_model(tiny_lm: LanguageModel):
    runs = []
    hook = tiny_lm.model.register_forward_hook(lambda *_: runs.append(1))
    try:
        ids = tuple(tiny_lm.ids("asked by many at once"))
        traces = ask_together(lambda place: resources.trace(tiny_lm, ids, place))
    finally:
        hook.remove()
    assert len(runs) == 1
    assert all(trace is traces[0] for trace in traces)


def test_a_model_with_other_weights_has_traces_of_its_own(tiny_lm: LanguageModel):
    other = LanguageModel(GPT(tiny_lm.config), tiny_lm.tokenizer, tiny_lm.name, "other weights")
    ids = tuple(tiny_lm.ids("same text"))
    first = resources.trace(tiny_lm, ids, Place())
    assert resources.trace(tiny_lm, ids, Place()) is first
    assert resources.trace(other, ids, Place()) is not first


def test_a_superseded_run_computes_nothing():
    cache = LRUCache(10)
    calls = []
    with resources.slot(Place()), pytest.raises(InterruptedError):
        resources.shared(cache, "question", Place(superseded=True), lambda: calls.append(1))
    assert not calls
    assert resources.shared(cache, "question", Place(), lambda: "answer") == "answer"


def test_a_computation_that_fails_leaves_nothing_behind():
    cache = LRUCache(10)

    def fail() -> str:
        raise ValueError("too long")

    with pytest.raises(ValueError, match="too long"):
        resources.shared(cache, "question", Place(), fail)
    assert resources.shared(cache, "question", Place(), lambda: "answer") == "answer"
    assert resources.shared(cache, "question", Place(), fail) == "answer"


def test_caches_never_hold_more_bytes_than_their_bound():
    size = 1000
    cache = LRUCache(3 * size, resources.memory)
    array = np.zeros(size - 500, dtype=np.uint8)
    for key in range(20):
        resources.shared(cache, key, Place(), array.copy)
        assert cache.currsize <= cache.maxsize
    assert 19 in cache
    assert 0 not in cache
    large = np.zeros(4 * size, dtype=np.uint8)
    before = dict(cache)
    assert resources.shared(cache, "large", Place(), lambda: large) is large
    assert dict(cache) == before, "what is larger than the cache drives nothing out"


def test_the_caches_of_the_app_are_bounded_in_bytes(tiny_lm: LanguageModel):
    ids = tuple(tiny_lm.ids("bounded"))
    traces, summaries = resources._traces, resources._summaries
    trace = resources.trace(tiny_lm, ids, Place())
    journey = resources.journey(tiny_lm, ids, Place())
    assert traces.getsizeof(trace) == trace.nbytes > 0
    arrays = (journey.stream, journey.attn, journey.mlp, journey.pattern)
    assert summaries.getsizeof(journey) >= sum(array.nbytes for array in arrays)
    assert traces.maxsize <= 2**30
    assert summaries.maxsize <= 2**30
    assert resources._models.maxsize <= 4


def test_the_memory_of_a_summary_is_that_of_all_its_parts(tiny_lm: LanguageModel):
    run = tiny_lm.trace("some text")
    journey = overview.journey(tiny_lm, run)
    assert resources.memory([journey, journey]) > 2 * journey.pattern.nbytes
    assert resources.memory(torch.zeros(1000)) >= 4000
    assert resources.memory(overview.self_checks(tiny_lm, run)) < 10_000


def test_the_memory_of_a_table_and_of_bytes_is_counted():
    table = pd.DataFrame({"token": ["a" * 1000] * 10})
    assert resources.memory(table) > 10_000
    assert resources.memory((bytes(5000), "tag")) > 5000


def test_the_likeliest_tokens_after_a_position_are_looked_up_once_for_all_browsers(
    tiny_lm: LanguageModel, monkeypatch: pytest.MonkeyPatch
):
    looked_up = []
    plain = overview.likeliest_tokens

    def counted(lm: LanguageModel, trace: Trace, position: int) -> pd.DataFrame:
        looked_up.append(position)
        return plain(lm, trace, position)

    monkeypatch.setattr(overview, "likeliest_tokens", counted)
    ids = tuple(tiny_lm.ids("likeliest"))
    for position in (1, 2):
        answers = ask_together(
            lambda place, at=position: resources.likeliest(tiny_lm, ids, at, place)
        )
        assert all(answer is answers[0] for answer in answers)
    assert looked_up == [1, 2]
