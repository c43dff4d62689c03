"""What a visitor of a class uses of the processor, and when it is enough."""

import threading
from contextlib import nullcontext

import pytest

from gptviz.app import allowance, long_work, look, visitors
from gptviz.app.limits import Limits
from gptviz.app.long_work import Work
from gptviz.app.visitors import Visitor

CLASS = Limits(max_seconds=20)


@pytest.fixture
def now(monkeypatch):
    """The time, to be set."""
    time = [1000.0]
    monkeypatch.setattr(allowance.time, "monotonic", lambda: time[0])
    return time


@pytest.fixture
def comes(monkeypatch):
    """Let a visitor come to a class in which each may use 20 seconds a minute."""
    monkeypatch.setattr(allowance, "_spent", type(allowance._spent)(100))

    def come(visitor: str, limits: Limits | None = CLASS) -> None:
        monkeypatch.setattr(visitors, "here", lambda: Visitor(visitor))
        monkeypatch.setattr(visitors, "limits", lambda: limits)

    return come


def test_who_has_used_what_there_is_waits_a_minute_and_the_others_do_not(comes, now):
    comes("a")
    for _ in range(30):
        allowance.require()
        allowance.charge(0.6)
        now[0] += 0.1
    allowance.charge(2.6)
    with pytest.raises(allowance.UsedUpError, match=r"used 21 s .* may use 20 s; .* the teacher"):
        allowance.require()
    comes("b")
    allowance.require()
    comes("a")
    now[0] += 62
    allowance.require()
    assert allowance.used("a") == 0


def test_the_teacher_and_who_is_alone_use_what_they_need(comes, now):
    comes("a", limits=None)
    allowance.charge(10**6)
    allowance.require()
    assert allowance.used("a") == 0
    assert now == [1000.0]


def test_a_long_text_is_an_account_of_few_lines(comes, now):
    comes("a")
    for _ in range(10_000):
        allowance.charge(0.001)
        now[0] += 0.005
    assert allowance.used("a") == pytest.approx(10, abs=0.01)
    assert len(allowance._spent["a"]) <= 61


def test_what_is_done_inside_is_charged_even_if_it_fails(comes):
    comes("a")
    clock = iter([5.0, 8.0])
    with pytest.raises(ValueError, match="broken"), allowance.charged(lambda: next(clock)):
        raise ValueError("broken")
    assert allowance.used("a") == 3


def test_those_who_wait_for_the_same_work_pay_a_part_each(comes):
    comes("a")
    work = Work("key")
    work.seconds, work.waiting = 2.0, 3
    bill = allowance.Bill(work)  # who comes later does not pay for what was done
    work.seconds = 8.0
    bill.pay()
    bill.pay()
    assert allowance.used("a") == 2


def test_long_work_of_a_visitor_ends_where_it_is_used_up(comes, monkeypatch, tiny_lm):
    comes("a")
    told, ended = [], threading.Event()

    def works_for_ever(lm, tell):  # noqa: ARG001
        try:
            while True:
                tell(0, 1)
        finally:
            ended.set()

    works_for_ever.__qualname__ = "works_for_ever"
    monkeypatch.setattr(allowance.Bill, "pay", lambda _: allowance.charge(21.0))
    monkeypatch.setattr(look.waiting_bar.show, "note", told.append)
    monkeypatch.setattr(look.waiting_bar.st, "stop", lambda: told.append("stop"))
    with pytest.raises(allowance.UsedUpError):  # of a page, Streamlit's own stop ends the run
        look.look_for_long(works_for_ever, tiny_lm, words="…")
    assert "you have used 21 s of the processor" in told[0]
    assert told[1] == "stop"
    assert ended.wait(60)


def test_who_leaves_long_work_before_its_end_has_paid_for_it(comes, monkeypatch, tiny_lm):
    comes("a")
    now, begins, told, ended = [0.0], threading.Event(), threading.Event(), threading.Event()

    def works_until_nobody_waits(lm, tell):  # noqa: ARG001
        assert begins.wait(60)
        now[0] = 3.0
        try:
            while True:
                tell(0, 1)
                told.set()
        finally:
            ended.set()

    def superseded() -> None:
        begins.set()
        assert told.wait(60)
        raise KeyError

    works_until_nobody_waits.__qualname__ = "works_until_nobody_waits"
    monkeypatch.setattr(long_work.time, "thread_time", lambda: now[0])
    monkeypatch.setattr(look, "end_if_superseded", superseded)
    monkeypatch.setattr(look._turns, "take", lambda *_, **__: nullcontext())
    with pytest.raises(KeyError):  # as Streamlit ends a run, with an error of its own
        look.look_for_long(works_until_nobody_waits, tiny_lm, words="…")
    assert allowance.used("a") == 3
    assert ended.wait(60)
