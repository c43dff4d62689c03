"""The server's event loop is woken once for all that waits, and never sleeps through a call."""

import signal
import sys
import threading

import pytest

from gptviz.app import loop

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Python's own loop serves there")


class Counted(loop.WokenOnce):
    """A loop that counts the bytes that wake it."""

    def __init__(self):
        self.bytes = 0
        super().__init__()

    def _process_self_data(self, data):
        self.bytes += len(data)
        super()._process_self_data(data)


@pytest.fixture
def counted():
    found = Counted()
    yield found
    found.close()


def test_a_hundred_calls_to_a_sleeping_loop_wake_it_once(counted):
    called = []
    for number in range(100):
        counted.call_soon_threadsafe(called.append, number)
    counted.call_soon_threadsafe(counted.call_later, 0.05, counted.stop)
    counted.run_forever()
    assert called == list(range(100))
    assert counted.bytes == 1


def test_no_call_is_slept_through(counted):
    """Each call waits until the one before was answered, so the loop falls asleep in between."""
    answered = threading.Semaphore(0)
    missing = []

    def hand_over():
        for _ in range(2000):
            counted.call_soon_threadsafe(answered.release)
            if not answered.acquire(timeout=10):
                missing.append("a call was never answered")
                break
        counted.call_soon_threadsafe(counted.stop)

    threads = [threading.Thread(target=hand_over)]
    threads[0].start()
    counted.run_forever()
    threads[0].join()
    assert not missing


def test_a_signal_is_handed_on(counted):
    counted.add_signal_handler(signal.SIGUSR1, counted.stop)
    counted.call_soon(signal.raise_signal, signal.SIGUSR1)
    late = counted.call_later(10, counted.stop)
    counted.run_forever()
    assert not counted.time() >= late.when()


def test_the_server_runs_in_it():
    made = loop.new()
    assert isinstance(made, loop.WokenOnce)
    made.close()
