"""The process that trains a run: it holds it, waits for its turn, trains, and says how it ended.

`gptviz train` and `gptviz resume` do this in the terminal; the page has `gptviz resume` do it in
a process of its own (see gptviz.jobs).
"""

import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from gptviz.disk_errors import in_words
from gptviz.jobs import slot
from gptviz.runs import DivergedError, Run, State, Status, text
from gptviz.runs.control import Requests
from gptviz.training.process_group import ALONE, ProcessGroup


def work(
    run: Run,
    on_step: Callable[[dict[str, Any]], None] = lambda row: None,
    should_stop: Callable[[], bool] = lambda: False,
    on_wait: Callable[[int], None] = lambda ahead: None,
    group: ProcessGroup = ALONE,
) -> None:
    """Train a run from where it is to its end, in a process that does nothing else.

    While another run has the machine's slot, on_wait gets how many more are ahead in the queue,
    now and then. on_step gets each row of metrics.jsonl. When should_stop or control.json says
    so, the run ends with a checkpoint. Raises ValueError or OSError in words, which status.json
    holds too, if the run cannot go on, FileNotFoundError if its folder was removed; ValueError if
    another process holds the run.
    """
    with run.locked():
        status = run.status
        if status.get("state") == "done":
            return
        if status.get("state") != "queued" or "queued_at" not in status:
            _forget_command(run)  # a command from before, which whoever resumes it has overruled
            run.update_status({"state": "queued", "queued_at": time.time()})
        try:
            text.require_same(run)
            state = _train_in_turn(run, on_step, Requests(run, should_stop), on_wait, group)
        except (ValueError, OSError) as error:
            run.require_folder(error)
            failed: Status = {"state": "failed", "error": in_words(error)}
            if isinstance(error, DivergedError):
                failed["diverged"] = True
            _say_at_last(run, failed)
            raise
        finally:
            with suppress(OSError):
                _forget_command(run)
        run.update_status({"state": state})


def _train_in_turn(
    run: Run,
    on_step: Callable[[dict[str, Any]], None],
    requests: Requests,
    on_wait: Callable[[int], None],
    group: ProcessGroup,
) -> State:
    queued_at = run.status["queued_at"]

    def gives_up() -> bool:
        run.require_folder()
        return bool(requests.command())

    with slot.turn(queued_at, gives_up, on_wait) as ours:
        if not ours:
            return "paused" if requests.command() == "pause" else "stopped"
        steps = run.config.steps
        run.update_status({"state": "running", "steps": steps, "warning": ""})  # until the next one
        from gptviz.training.loop import train  # a run that waits needs no memory for PyTorch

        return train(run, on_step, requests, group)


def _say_at_last(run: Run, failed: Status) -> None:
    """Say in the status why a run ended, also on a disk that may have no room for a new file."""
    try:
        run.update_status(failed)
    except OSError:
        with suppress(OSError, ValueError):
            run.overwrite_status(failed)


def _forget_command(run: Run) -> None:
    if (run.folder / "control.json").exists():
        run.update_control({"command": None})
