"""The one slot for work on the processor: in turn, and never held by a run that has ended."""

import threading

import pytest

from gptviz.ui import resources


class Place:
    """Stands in a run's place on the page: tells when the run waits, and may end it there."""

    def __init__(self, superseded: bool = False):
        self.waits = threading.Event()
        self.superseded = superseded

    def empty(self) -> None:
        self.waits.set()
        if self.superseded:
            raise InterruptedError


def test_one_that_waits_comes_before_the_one_that_just_had_the_slot():
    order = []
    waiting = Place()

    def wait() -> None:
        with resources.slot(waiting):
            order.append("second browser")

    thread = threading.Thread(target=wait)
    with resources.slot(Place()):
        thread.start()
        assert waiting.waits.wait(60)
    with resources.slot(Place()):
        order.append("first browser again")
    thread.join()
    assert order == ["second browser", "first browser again"]


def test_a_superseded_run_gives_up_its_place_in_the_queue():
    ended = threading.Event()

    def give_up() -> None:
        with pytest.raises(InterruptedError), resources.slot(Place(superseded=True)):
            pass
        ended.set()

    with resources.slot(Place()):
        thread = threading.Thread(target=give_up)
        thread.start()
        assert ended.wait(60)
    with resources.slot(Place()):
        pass
    thread.join()


def test_a_run_that_fails_frees_the_slot():
    with pytest.raises(ValueError, match="too long"), resources.slot(Place()):
        raise ValueError("too long")
    with resources.slot(Place()):
        pass


def test_a_superseded_run_does_not_begin_even_if_its_turn_has_come():
    begun = []
    with pytest.raises(InterruptedError), resources.slot(Place(superseded=True)):
        begun.append("work that nobody looks at")
    assert not begun
    with resources.slot(Place()):
        pass
