"""Starts the process that trains a run."""

import os
import subprocess
import sys
import threading
import time
from contextlib import ExitStack
from typing import BinaryIO

from gptviz import system
from gptviz.disk_errors import in_words, require_ordinary
from gptviz.runs import Run

LOG = "log.txt"  # what the process says in words, for the case that status.json does not tell
LOOKS = 0.02  # seconds between two looks whether the process holds its run


def launch(run: Run) -> None:
    """Start the process that trains a run, and hold the run until it does: at no moment nobody."""
    with ExitStack() as starting:
        starting.enter_context(run.starting())
        if (run.folder / "control.json").exists():
            run.update_control({"command": None})
        run.update_status({"state": "queued", "queued_at": time.time()})
        environment = {
            "TQDM_MININTERVAL": "10",  # seconds between two lines of the log
            # Threads that wait for each other do so busily for a moment, then leave the processor
            # to the pages. Doing that at once takes 1.7 times as long; never, and a step waits
            # for a thread that has no processor.
            "GOMP_SPINCOUNT": "5000",
            **os.environ,
            "PYTHONIOENCODING": "utf-8",  # what the log holds, whatever this system's usual is
        }
        with _log(run) as log:
            process = system.start_in_background(
                [sys.executable, "-m", "gptviz", "resume", str(run.folder.resolve())],
                outlives_this=True,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=environment,
            )
        held = starting.pop_all()
    # No daemon: who starts a run and ends at once still holds it until its process does.
    threading.Thread(target=_hold_until_it_does, args=(run, process, held)).start()
    # Its end is taken note of, or it would stay in the list of processes.
    threading.Thread(target=process.wait, daemon=True).start()


def _log(run: Run) -> BinaryIO:
    require_ordinary(run.folder / LOG)
    try:
        return (run.folder / LOG).open("wb")
    except OSError as error:
        raise OSError(in_words(error)) from error


def _hold_until_it_does(run: Run, process: "subprocess.Popen[bytes]", held: ExitStack) -> None:
    with held:
        while process.poll() is None and not run.has_process:
            time.sleep(LOOKS)
