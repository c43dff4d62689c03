"""Short work goes before long work, which gets its turn all the same."""

import threading

from gptviz.app.turns import SHORT_IN_A_ROW, Turns


def ask_in_order(turns: Turns, asked: list[bool]) -> list[bool]:
    """Who had the turn, where all these asked, one after another, while another one had it."""
    had: list[bool] = []
    threads = []
    with turns.take(long=False):
        for long in asked:
            waits = threading.Event()

            def work(long: bool = long, waits: threading.Event = waits) -> None:
                with turns.take(long, look=waits.set):
                    had.append(long)

            threads.append(threading.Thread(target=work))
            threads[-1].start()
            assert waits.wait(60)
    for thread in threads:
        thread.join(60)
    return had


def test_short_work_that_came_later_goes_before_long_work():
    assert ask_in_order(Turns(), [True, True, False]) == [False, True, True]


def test_long_work_gets_a_turn_however_much_short_work_there_is():
    asked = [True, *[False] * (2 * SHORT_IN_A_ROW)]
    had = ask_in_order(Turns(), asked)
    assert had.index(True) <= SHORT_IN_A_ROW
    assert sorted(had) == sorted(asked)
