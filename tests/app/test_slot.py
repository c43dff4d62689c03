"""The one slot for work on the processor: in turn, and never held by a run that has ended."""

import threading

import pytest

from gptviz.app import look


class Superseded(Exception):  # noqa: N818
    """Stands in for what Streamlit raises in a run that the user has superseded."""


class Browser(threading.Thread):
    """A run that asks for the slot; it tells when it waits, and may be superseded there."""

    def __init__(self, work, superseded: bool = False):
        super().__init__()
        self.work, self.superseded = work, superseded
        self.waits = threading.Event()
        self.ended_early = False

    def run(self) -> None:
        try:
            with look.slot():
                self.work()
        except Superseded:
            self.ended_early = True


@pytest.fixture(autouse=True)
def _streamlit_looks_at_each_run(monkeypatch: pytest.MonkeyPatch) -> None:
    def look_at_this_run() -> None:
        run = threading.current_thread()
        if isinstance(run, Browser):
            run.waits.set()
            if run.superseded:
                raise Superseded

    monkeypatch.setattr(look, "end_if_superseded", look_at_this_run)


def test_one_that_waits_comes_before_the_one_that_just_had_the_slot():
    order = []
    second = Browser(lambda: order.append("second browser"))
    with look.slot():
        second.start()
        assert second.waits.wait(60)
    with look.slot():
        order.append("first browser again")
    second.join()
    assert order == ["second browser", "first browser again"]


def test_a_superseded_run_gives_up_its_place_in_the_queue():
    begun = []
    superseded = Browser(lambda: begun.append(1), superseded=True)
    with look.slot():
        superseded.start()
        superseded.join(60)
        assert superseded.ended_early
    with look.slot():
        pass
    assert not begun


def test_a_run_that_fails_frees_the_slot():
    with pytest.raises(ValueError, match="too long"), look.slot():
        raise ValueError("too long")
    with look.slot():
        pass


def test_a_superseded_run_does_not_begin_even_if_its_turn_has_come():
    begun = []
    superseded = Browser(lambda: begun.append("work that nobody looks at"), superseded=True)
    superseded.start()
    superseded.join(60)
    assert superseded.ended_early
    assert not begun
    with look.slot():
        pass
