"""What browsers share is computed once, kept within bounds, and never half made."""

import threading
import weakref
from collections import defaultdict
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
import torch
from cachetools import LRUCache

from gptviz import generation
from gptviz.activations import Trace
from gptviz.app import look
from gptviz.journey import journey, likeliest_tokens
from gptviz.language_model import LanguageModel
from gptviz.model import GPT
from gptviz.subjects.overview.analysis import self_checks

N = 30  # a class
LONGEST_WAIT = 60  # seconds; a test that would hang fails instead


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> dict[int, threading.Event]:
    """For each thread, what tells that it waits for the slot."""
    events: defaultdict[int, threading.Event] = defaultdict(threading.Event)
    monkeypatch.setattr(look, "end_if_superseded", lambda: events[threading.get_ident()].set())
    return events


Ask = Callable[[Callable[[], object]], list[object]]


LARGE = 100 * 2**20  # bytes


def large_run(*_: object) -> torch.Tensor:
    """Stands in for the trace of a long text."""
    return counts_as(LARGE)


def counts_as(size: int) -> torch.Tensor:
    """A tensor that counts as so many bytes, and takes four."""
    return torch.zeros(1).expand(size // 4)


@pytest.fixture
def ask_together(waits: dict[int, threading.Event]) -> Ask:
    """The answers of N threads, of which N − 1 wait for the slot while it is taken."""

    def together(ask: Callable[[], object]) -> list[object]:
        answers: list[object] = []
        threads = [threading.Thread(target=lambda: answers.append(ask())) for _ in range(N)]
        with look.slot():
            for thread in threads:
                thread.start()
            for thread in threads:
                assert waits[thread.ident].wait(LONGEST_WAIT)
        for thread in threads:
            thread.join(LONGEST_WAIT)
        return answers

    return together


def test_what_many_browsers_ask_for_at_once_is_computed_once(ask_together: Ask):
    cache = LRUCache(10)
    calls = []

    def compute() -> str:
        calls.append(threading.get_ident())
        return "answer"

    answers = ask_together(lambda: look.shared(cache, "question", compute))
    assert answers == ["answer"] * N
    assert len(calls) == 1


def test_one_computation_runs_at_a_time(waits: dict[int, threading.Event]):
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

    ask = look.shared
    first = threading.Thread(target=ask, args=(cache, "one question", long_computation))
    second = threading.Thread(target=ask, args=(cache, "another", short_computation))
    first.start()
    assert first_computes.wait(LONGEST_WAIT)
    second.start()
    assert waits[second.ident].wait(LONGEST_WAIT)
    first_may_end.set()
    for thread in (first, second):
        thread.join(LONGEST_WAIT)
    assert order == ["first", "second"]


def test_many_browsers_with_one_prompt_share_one_run_of_the_model(
    tiny_lm: LanguageModel, ask_together: Ask
):
    runs = []
    hook = tiny_lm.model.register_forward_hook(lambda *_: runs.append(1))
    try:
        ids = tuple(tiny_lm.ids("asked by many at once"))
        traces = ask_together(lambda: look.trace(tiny_lm, ids))
    finally:
        hook.remove()
    assert len(runs) == 1
    assert all(trace is traces[0] for trace in traces)


def test_a_model_with_other_weights_has_traces_of_its_own(tiny_lm: LanguageModel):
    other = LanguageModel(GPT(tiny_lm.config), tiny_lm.tokenizer, tiny_lm.name, "other weights")
    ids = tuple(tiny_lm.ids("same text"))
    first = look.trace(tiny_lm, ids)
    assert look.trace(tiny_lm, ids) is first
    assert look.trace(other, ids) is not first


def test_a_superseded_run_computes_nothing(monkeypatch: pytest.MonkeyPatch):
    cache = LRUCache(10)
    calls = []

    def superseded() -> None:
        raise InterruptedError

    with monkeypatch.context() as patch:
        patch.setattr(look, "end_if_superseded", superseded)
        with pytest.raises(InterruptedError):
            look.shared(cache, "question", lambda: calls.append(1))
    assert not calls
    assert look.shared(cache, "question", lambda: "answer") == "answer"


def test_a_computation_that_fails_leaves_nothing_behind():
    cache = LRUCache(10)

    def fail() -> str:
        raise ValueError("too long")

    with pytest.raises(ValueError, match="too long"):
        look.shared(cache, "question", fail)
    assert look.shared(cache, "question", lambda: "answer") == "answer"
    assert look.shared(cache, "question", fail) == "answer"


def test_caches_never_hold_more_bytes_than_their_bound():
    size = 1000
    cache = LRUCache(3 * size, look.memory)
    array = np.zeros(size - 500, dtype=np.uint8)
    for key in range(20):
        look.shared(cache, key, array.copy)
        assert cache.currsize <= cache.maxsize
    assert 19 in cache
    assert 0 not in cache
    large = np.zeros(4 * size, dtype=np.uint8)
    before = dict(cache)
    assert look.shared(cache, "large", lambda: large) is large
    assert dict(cache) == before, "what is larger than the cache drives nothing out"


@pytest.mark.usefixtures("no_collector")
def test_the_runs_that_the_app_keeps_for_its_browsers_take_less_than_a_gigabyte(
    tiny_lm: LanguageModel, monkeypatch: pytest.MonkeyPatch
):
    n_runs = 20
    lm = LanguageModel(GPT(tiny_lm.config), tiny_lm.tokenizer, "large", "large")
    monkeypatch.setattr(LanguageModel, "trace", large_run)
    runs = [weakref.ref(look.trace(lm, (i,))) for i in range(n_runs)]
    kept = [run() is not None for run in runs]
    assert 1 < sum(kept) < 2**30 / LARGE
    assert kept == sorted(kept), "the latest are kept"


@pytest.mark.usefixtures("no_collector")
def test_what_the_app_keeps_of_each_run_takes_less_than_a_gigabyte(
    tiny_lm: LanguageModel, monkeypatch: pytest.MonkeyPatch
):
    size, n_prompts = 50 * 2**20, 30
    lm = LanguageModel(GPT(tiny_lm.config), tiny_lm.tokenizer, "large", "large summaries")
    monkeypatch.setattr(generation, "next_logits", lambda *_: counts_as(size))
    found = [weakref.ref(look.look(LanguageModel.next_logits, lm, (i,))) for i in range(n_prompts)]
    assert 1 < sum(summary() is not None for summary in found) < 2**30 / size


def test_the_memory_of_a_finding_is_that_of_all_its_parts(tiny_lm: LanguageModel):
    run = tiny_lm.trace("some text")
    way = journey(tiny_lm, run)
    arrays = (way.stream, way.attn, way.mlp, way.pattern)
    assert look.memory(way) >= sum(array.nbytes for array in arrays)
    assert look.memory([way, way]) > 2 * way.pattern.nbytes
    assert look.memory(torch.zeros(1000)) >= 4000
    assert look.memory(self_checks(tiny_lm, run)) < 10_000


def test_the_memory_of_a_table_and_of_bytes_is_counted():
    table = pd.DataFrame({"token": ["a" * 1000] * 10})
    assert look.memory(table) > 10_000
    assert look.memory((bytes(5000), "tag")) > 5000


looked_up: list[int] = []


def counted(lm: LanguageModel, trace: Trace, position: int) -> pd.DataFrame:
    looked_up.append(position)
    return likeliest_tokens(lm, trace, position)


def itself(argument: object) -> tuple[object]:
    return (argument,)


def test_a_function_is_called_once_for_equal_arguments(tiny_lm: LanguageModel, ask_together: Ask):
    ids = tuple(tiny_lm.ids("likeliest"))
    for position in (1, 2):
        answers = ask_together(
            lambda at=position: look.look(counted, tiny_lm, look.trace(tiny_lm, ids), at)
        )
        assert all(answer is answers[0] for answer in answers)
    assert looked_up == [1, 2]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (torch.zeros(4), torch.zeros(2, 2)),
        (torch.zeros(3), torch.ones(3)),
        (np.zeros(4), np.zeros((2, 2))),
        ((1, 2), (2, 1)),
    ],
)
def test_other_arguments_are_other_questions(one: object, other: object):
    assert look.look(itself, one)[0] is one
    assert look.look(itself, other)[0] is other


def test_a_trace_from_elsewhere_is_refused_for_nobody_can_tell_what_is_in_it(tiny_lm):
    with pytest.raises(KeyError):
        look.look(journey, tiny_lm, tiny_lm.trace("not from look"))


def test_a_function_whose_name_does_not_tell_it_from_others_is_refused():
    with pytest.raises(ValueError, match="no name"):
        look.look(lambda: "one of many lambdas")
