"""The process that trains a run: it holds it, waits for its turn, trains, and says how it ended.

`gptviz train` and `gptviz resume` do this in the terminal; the page has `gptviz resume` do it in
a process of its own (see gptviz.training.jobs).
"""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from gptviz.training import slot
from gptviz.training.control import Requests
from gptviz.training.runs import Run, State
from gptviz.training.team import ALONE, Team

INHERITED_LOCK = "GPTVIZ_LOCK"  # the file descriptor of RUN/lock that a parent process locked


def work(
    run: Run,
    on_step: Callable[[dict[str, Any]], None] = lambda row: None,
    should_stop: Callable[[], bool] = lambda: False,
    on_wait: Callable[[int], None] = lambda ahead: None,
    team: Team = ALONE,
) -> None:
    """Train a run from where it is to its end, in a process that does nothing else.

    While another run has the machine's slot, on_wait gets how many more are ahead in the queue,
    now and then. on_step gets each row of metrics.jsonl. When should_stop or control.json says
    so, the run ends with a checkpoint. Raises ValueError or OSError in words, which status.json
    holds too, if the run cannot go on; ValueError if another process holds the run.
    """
    with _held(run):
        status = run.status
        if status.get("state") == "done":
            return
        if status.get("state") != "queued" or "queued_at" not in status:
            _forget_command(run)  # a command from before, which whoever resumes it has overruled
            run.update_status({"state": "queued", "queued_at": time.time()})
        try:
            state = _train_in_turn(run, on_step, Requests(run, should_stop), on_wait, team)
        except (ValueError, OSError) as error:
            with suppress(OSError):  # a disk that is full refuses this too
                run.update_status({"state": "failed", "error": str(error)})
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
    team: Team,
) -> State:
    queued_at = run.status["queued_at"]
    with slot.turn(queued_at, lambda: bool(requests.command()), on_wait) as ours:
        if not ours:
            return "paused" if requests.command() == "pause" else "stopped"
        steps = run.config.steps
        run.update_status({"state": "running", "steps": steps, "warning": ""})  # until the next one
        from gptviz.training.loop import train  # a run that waits needs no memory for PyTorch

        return train(run, on_step, requests, team)


def _forget_command(run: Run) -> None:
    if (run.folder / "control.json").exists():
        run.update_control({"command": None})


@contextmanager
def _held(run: Run) -> Iterator[None]:
    inherited = int(os.environ.pop(INHERITED_LOCK, "-1"))
    if inherited >= 0 and os.path.samestat(os.fstat(inherited), (run.folder / "lock").stat()):
        os.set_inheritable(inherited, False)
        try:
            yield
        finally:
            os.close(inherited)
    else:
        with run.locked():
            yield
