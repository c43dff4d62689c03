"""How many files may be open, and what is said where they are few."""

import errno
import logging
import sys

import pytest

from gptviz import system
from gptviz.app import descriptors

LIMITED = """
import resource
from gptviz import system
most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (128, 512))
print(system.raise_open_files(256), system.raise_open_files(8192), system.raise_open_files(64))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limit")
def test_the_limit_is_raised_as_far_as_the_system_allows(python):
    assert python(LIMITED).split() == ["256", "512", "512"]


def test_where_there_is_no_such_limit_there_is_nothing_to_raise(monkeypatch):
    monkeypatch.setitem(sys.modules, "resource", None)
    assert system.raise_open_files(8192) is None


@pytest.fixture
def loggers(monkeypatch):
    for name in descriptors.LOGGERS:
        monkeypatch.setattr(logging.getLogger(name), "filters", [])
    return [logging.getLogger(name) for name in descriptors.LOGGERS]


@pytest.mark.parametrize(("limit", "words"), [(256, "enough for about 28 browsers"), (None, "")])
def test_the_terminal_says_how_many_browsers_fit(monkeypatch, capsys, loggers, limit, words):
    monkeypatch.setattr(system, "raise_open_files", lambda _: limit)
    descriptors.make_room()
    told = capsys.readouterr().err
    assert words in told
    assert bool(told) == bool(words)
    assert all(logger.filters for logger in loggers)


def test_too_many_open_files_are_told_once(monkeypatch, capsys, loggers):
    monkeypatch.setattr(system, "raise_open_files", lambda _: None)
    descriptors.make_room()
    for logger in loggers:
        for error in (OSError(errno.EMFILE, "Too many open files"), ValueError("another")):
            reason = (type(error), error, None)
            record = logger.makeRecord(logger.name, logging.ERROR, "", 0, "x", (), reason)
            assert bool(logger.filter(record)) == isinstance(error, ValueError)
    record = loggers[0].makeRecord(
        "asyncio", logging.ERROR, "", 0, "socket.accept() out of system resource", (), None
    )
    assert not loggers[0].filter(record)
    assert len(capsys.readouterr().err.splitlines()) == 1
