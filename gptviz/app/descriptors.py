"""How many files and connections the server may have open, and what need not be.

Streamlit gives each session an event loop, three descriptors, and keeps it with the session for two
minutes after its browser has left. Here a loop lives only while a page runs in it. It leans on how
Streamlit is made inside (tests/e2e/test_descriptors.py).
"""

import asyncio
import errno
import functools
import logging
import sys
from typing import Any

from streamlit.runtime.app_session import AppSession
from streamlit.runtime.scriptrunner.script_runner import ScriptRunner

from gptviz import system

WANTED = 8192
# A browser asks for up to six files at once, beside its websocket; a page reads some.
FOR_A_BROWSER, FOR_ITSELF = 7, 60
ENOUGH = 1024
LOGGERS = ("asyncio", "uvicorn.error", "streamlit.error_util")  # which tell of a file not opened


def make_room() -> None:
    """Let this process open many files, or say how many browsers fit; tell of it once if not."""
    limit = system.raise_open_files(WANTED)
    if limit is not None and limit < ENOUGH:
        browsers = max(1, (limit - FOR_ITSELF) // FOR_A_BROWSER)
        _print(
            f"this system lets it have {limit} files and connections open at a time, enough for "
            f"about {browsers} browsers that load at once. For more, type before it: "
            f"ulimit -n {WANTED}"
        )
    once = _Once()
    for name in LOGGERS:
        logging.getLogger(name).addFilter(once)


def give_back_loops() -> None:
    """Let sessions have an event loop only while a page runs."""
    session, runner = AppSession.__init__, ScriptRunner.__init__
    run = ScriptRunner._run_script_thread

    @functools.wraps(session)
    def begin_session(self: Any, *given: Any, **named: Any) -> None:
        session(self, *given, **named)
        self._script_event_loop.close()
        self._script_event_loop = _NoLoop()

    @functools.wraps(runner)
    def begin_runner(self: Any, *given: Any, **named: Any) -> None:
        if isinstance(named.get("event_loop"), _NoLoop):
            named["event_loop"] = asyncio.new_event_loop()
        runner(self, *given, **named)

    @functools.wraps(run)
    def run_script_thread(self: Any) -> None:
        loop = self._event_loop
        try:
            run(self)
        finally:
            if loop is not None and not loop.is_running():
                loop.close()

    for kind, name, ours in (
        (AppSession, "__init__", begin_session),
        (ScriptRunner, "__init__", begin_runner),
        (ScriptRunner, "_run_script_thread", run_script_thread),
    ):
        setattr(kind, name, ours)


class _NoLoop:
    """Stands for the loop of a session; all that a session does with it is to close it."""

    def is_closed(self) -> bool:
        return False

    def is_running(self) -> bool:
        return False

    def run_until_complete(self, future: Any) -> None:  # noqa: ARG002
        return None

    def shutdown_asyncgens(self) -> Any:
        return None

    def shutdown_default_executor(self) -> Any:
        return None

    def close(self) -> None:
        return None


class _Once(logging.Filter):
    """Says once that too many files are open, in place of a traceback for each."""

    told = False

    def filter(self, record: logging.LogRecord) -> bool:
        if not _is_for_want_of_files(record):
            return True
        if not self.told:
            self.told = True
            _print(
                "too many files and connections are open for this system; browsers wait for each "
                f"other. Start gptviz after: ulimit -n {WANTED}"
            )
        return False


def _is_for_want_of_files(record: logging.LogRecord) -> bool:
    error = record.exc_info[1] if record.exc_info else None
    while error:
        if isinstance(error, OSError) and error.errno in (errno.EMFILE, errno.ENFILE):
            return True
        error = error.__cause__ or error.__context__
    return "out of system resource" in record.getMessage()


def _print(words: str) -> None:
    print(f"gptviz: {words}", file=sys.stderr, flush=True)
