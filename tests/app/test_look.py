"""What browsers share: models that leave the memory in time, and long work that is done once."""

import shutil
import threading
import weakref
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from gptviz import LanguageModel, checkpoints, language_model
from gptviz.app import look, run_steps
from gptviz.app.path import numbers
from gptviz.journey import journey
from gptviz.runs import Run


def kept(lms: Iterator[LanguageModel]) -> list[bool]:
    """Of models that are asked for one after another: which are still in memory at the end."""
    layers = [weakref.ref(lm.model.h[0].mlp.c_fc) for lm in lms]
    return [layer() is not None for layer in layers]


@pytest.mark.usefixtures("no_collector")
def test_a_model_that_makes_room_for_another_leaves_the_memory_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiny_lm: LanguageModel
):
    monkeypatch.setenv("GPTVIZ_CHECKPOINTS", str(tmp_path))
    for name in "abcdef":
        checkpoints.save(tmp_path / name, tiny_lm.model, tiny_lm.tokenizer)
    assert kept(look.model(name) for name in "abcdef") == 3 * [False] + 3 * [True]


def test_what_a_path_is_drawn_of_is_found_once_for_a_text_and_a_place(tiny_lm: LanguageModel):
    def drawn(text: str, position: int):
        trace = look.trace(tiny_lm, tuple(tiny_lm.tokenizer.encode(text)))
        way = look.look(journey, tiny_lm, trace)
        given = (tiny_lm.config, tuple(text), way, position)
        return look.look(numbers.path_numbers, *given), numbers.path_numbers(*given)

    for text, position in (("To be", 1), ("To be", 4), ("or not", 1)):
        found, alone = drawn(text, position)
        assert found == alone
        assert drawn(text, position)[0] is found


def test_a_finding_counts_with_all_its_parts():
    many = [float(number) for number in range(1000)]
    assert look.memory({"many": many}) > look.memory(many) > 1000 * 24
    assert look.memory({"weights": np.zeros(2**20)}) > 8 * 2**20


@pytest.mark.usefixtures("no_collector")
@pytest.mark.parametrize(("megabytes", "n_kept"), [(1, 6), (30, 4), (100, 1), (300, 1)])
def test_the_steps_of_a_run_keep_within_their_memory_and_a_large_one_is_kept_alone(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    finished_run: Path,
    megabytes: int,
    n_kept: int,
):
    load = language_model.load

    def large(name: str) -> LanguageModel:
        lm = load(name)
        numbers = torch.zeros(1).expand(megabytes * 2**20 // 4)  # count as many, and are one
        lm.model.register_parameter("many", nn.Parameter(numbers, requires_grad=False))
        return lm

    monkeypatch.setenv("GPTVIZ_CHECKPOINTS", str(tmp_path))
    monkeypatch.setattr(language_model, "load", large)
    shutil.copytree(finished_run, tmp_path / "run")
    run = Run(tmp_path / "run")
    names = [run_steps.name_at(run, step) for step in run.snapshots]
    expected = (len(names) - n_kept) * [False] + n_kept * [True]
    assert kept(look.model(name) for name in names) == expected


CALLS: list[str] = []
BEGUN, MAY_GO_ON = threading.Event(), threading.Event()


def slow(name: str, progress: Callable[[int, int], None]) -> str:
    """Work in two steps; between them it waits to be let on."""
    CALLS.append(name)
    progress(1, 2)
    BEGUN.set()
    assert MAY_GO_ON.wait(60)
    progress(2, 2)
    return f"{name} done"


def failing(name: str, progress: Callable[[int, int], None]) -> str:
    CALLS.append(name)
    progress(1, 2)
    raise ValueError(name)


def hands_on(name: str, progress: Callable[[int, int], None]) -> str:
    """While it tells its progress, and only then, another one may have the processor."""
    other = threading.Thread(target=_take_the_slot)
    other.start()
    while not TAKEN.is_set():
        progress(1, 2)
    other.join(60)
    return name


TAKEN = threading.Event()


def _take_the_slot() -> None:
    with look.slot():
        TAKEN.set()


def test_long_work_is_done_once_for_all_who_ask_meanwhile():
    found: list[str] = []

    def ask() -> None:
        found.append(look.look_for_long(slow, "work", words="…"))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    assert BEGUN.wait(60)
    MAY_GO_ON.set()
    for thread in threads:
        thread.join(60)
    assert found == 4 * ["work done"]
    assert CALLS.count("work") == 1
    assert look.look_for_long(slow, "work", words="…") == "work done"
    assert CALLS.count("work") == 1


def test_long_work_that_fails_is_begun_anew_by_the_next_who_asks():
    for _ in range(2):
        with pytest.raises(ValueError, match="broken"):
            look.look_for_long(failing, "broken", words="…")
    assert CALLS.count("broken") == 2


class Left(BaseException):
    """Stands in for what Streamlit raises in a run of a page that the user has superseded."""


class Browsers:
    """Pages that wait for long work, each in a thread, until they are left as by Stop."""

    def __init__(self) -> None:
        self.left: set[int] = set()
        self.waits: defaultdict[int, threading.Event] = defaultdict(threading.Event)

    def end_if_superseded(self) -> None:
        self.waits[threading.get_ident()].set()
        if threading.get_ident() in self.left:
            raise Left

    def ask(self, function: Callable[..., str], name: str, found: list[str]) -> threading.Thread:
        """A browser that waits by now."""

        def wait() -> None:
            with suppress(Left):
                found.append(look.look_for_long(function, name, words="…"))

        thread = threading.Thread(target=wait)
        thread.start()
        assert self.waits[thread.ident].wait(60)
        return thread

    def leave(self, thread: threading.Thread) -> None:
        self.left.add(thread.ident)
        thread.join(60)
        assert not thread.is_alive()
        self.left.remove(thread.ident)  # another thread may get its number
        del self.waits[thread.ident]


@pytest.fixture
def browsers(monkeypatch: pytest.MonkeyPatch) -> Browsers:
    found = Browsers()
    monkeypatch.setattr(look, "end_if_superseded", found.end_if_superseded)
    return found


class Steps:
    """Long work of four steps, of which the first waits to be let on."""

    def __init__(self) -> None:
        self.begun = 0
        self.done = 0
        self.may_go_on, self.ended = threading.Event(), threading.Event()

    def work(self, name: str, progress: Callable[[int, int], None]) -> str:
        self.begun += 1
        try:
            for i in range(4):
                progress(i, 4)
                assert self.may_go_on.wait(60)
                self.done += 1
        finally:
            self.ended.set()
        return name


def test_long_work_that_nobody_waits_for_ends_at_its_next_progress(browsers: Browsers):
    steps, found = Steps(), []
    browsers.leave(browsers.ask(steps.work, "left by all", found))
    steps.may_go_on.set()
    assert steps.ended.wait(60)
    assert (steps.done, found) == (1, [])


def test_long_work_goes_on_while_another_browser_waits_for_it(browsers: Browsers):
    steps, found = Steps(), []
    first, second = (browsers.ask(steps.work, "left by one", found) for _ in range(2))
    browsers.leave(first)
    steps.may_go_on.set()
    second.join(60)
    assert (steps.begun, steps.done, found) == (1, 4, ["left by one"])


def test_long_work_that_was_left_is_begun_anew_by_the_next_who_asks(browsers: Browsers):
    steps, found = Steps(), []
    browsers.leave(browsers.ask(steps.work, "left and asked again", found))
    steps.may_go_on.set()
    assert steps.ended.wait(60)
    steps.may_go_on.clear()
    second = browsers.ask(steps.work, "left and asked again", found)
    steps.may_go_on.set()
    second.join(60)
    assert (steps.begun, found) == (2, ["left and asked again"])


def test_long_work_lets_others_have_the_processor_in_between():
    assert look.look_for_long(hands_on, "shared", words="…") == "shared"
