"""How long a step takes: a few real steps of the training loop, in a process of their own.

`python -m gptviz.jobs.pace` is that process: settings as JSON come in, a line of JSON for
each step goes out. It trains on a made-up text, for a step takes as long whatever it reads.
"""

import json
import math
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from cachetools import LRUCache

from gptviz import system
from gptviz.training.record import metrics

if TYPE_CHECKING:
    from gptviz.runs import Run
    from gptviz.training.config import TrainingConfig

DEADLINE = 20.0  # seconds, PyTorch's start included
ENOUGH_SECONDS, ENOUGH_STEPS = 2.0, 30  # whichever comes first, after the first step
FORWARD_SHARE = 1 / 3  # of a step: the backward pass costs about twice the forward pass
KEPT = 128
RECENT, FEWEST = 50, 20  # steps of a run by which its pace is told
DECIDE = (
    *("batch_size", "accumulation", "precision", "detail_interval", "optimizer"),
    *("vocab_sample", "guide_previous"),
)


@dataclass(frozen=True)
class Pace:
    """What a few steps took."""

    seconds_per_step: float
    peak_bytes: int  # the most memory that the process held; 0 where that is not known

    def seconds(self, config: "TrainingConfig") -> float:
        """An estimate for a whole run, its validations included."""
        validations = math.ceil(config.steps / config.eval_interval)
        tokens = validations * config.eval_windows * config.model.block_size
        per_token = self.seconds_per_step / config.tokens_per_step * FORWARD_SHARE
        return config.steps * self.seconds_per_step + tokens * per_token


class BrokenOffError(ValueError):
    """`cancel` ended the measurement: nothing is known, and nothing is wrong."""


class TooLateError(ValueError):
    """Not one step was done at the deadline: nothing is known, for the machine may be busy."""


_paces: LRUCache[str, Pace] = LRUCache(KEPT)
_cache_lock = threading.Lock()
_one_at_a_time = threading.Lock()
_processes: set[subprocess.Popen] = set()


def known(config: "TrainingConfig") -> Pace | None:
    """What was measured earlier with settings whose steps take equally long, if anything was."""
    with _cache_lock:
        return _paces.get(_key(config.to_dict()))


def pace(config: "TrainingConfig", deadline: float = DEADLINE) -> Pace:
    """Measure a step with these settings, or remember what was measured before.

    Takes a few seconds, at most the deadline; one measurement goes at a time. Raises ValueError
    in words if such a step fails, BrokenOffError if `cancel` ended the measurement, TooLateError
    if the deadline did.
    """
    with _one_at_a_time:
        found = known(config) or _measure(config, deadline)
    with _cache_lock:
        _paces[_key(config.to_dict())] = found
    return found


def of_run(config: "TrainingConfig", run: "Run") -> Pace | None:
    """What a step of a run took lately, if steps take as long with these settings."""
    if _key(run.settings) != _key(config.to_dict()):
        return None
    speeds = metrics.read(run.folder)["tokens_per_second"][-RECENT:]
    if len(speeds) < FEWEST or not np.isfinite(speeds).all():
        return None
    return Pace(float(config.tokens_per_step * (1 / speeds).mean()), 0)


def cancel() -> None:
    """Break off a measurement that is under way, for instance because a run begins."""
    for process in list(_processes):
        _processes.discard(process)  # so that the thread that waits for it knows why it ended
        process.terminate()


def _key(settings: Mapping[str, Any]) -> str:
    """What decides how long a step takes, of the settings as a run's file holds them."""
    return repr((sorted(settings["model"].items()), *(settings.get(name) for name in DECIDE)))


def _measure(config: "TrainingConfig", deadline: float) -> Pace:
    with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as errors:
        process = system.start_in_background(
            [sys.executable, "-m", "gptviz.jobs.pace"],
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=errors,
            text=True,
        )
        _processes.add(process)
        late = False
        try:
            process.communicate(json.dumps(config.to_dict()), timeout=deadline)
        except subprocess.TimeoutExpired:
            late = True
        finally:
            with suppress(ProcessLookupError):
                process.kill()
            process.wait()
            broken_off = process not in _processes
            _processes.discard(process)
        if broken_off:
            raise BrokenOffError("a step could not be measured: it was broken off")
        output.seek(0)
        lines = [line for line in output.read().splitlines(keepends=True) if line.endswith("\n")]
        if lines and (late or not process.returncode):
            return Pace(**json.loads(lines[-1]))
        if late:
            raise TooLateError(f"not one step was done in {deadline:g} seconds")
        errors.seek(0)
        reason = errors.read().strip().rpartition("\n")[2]
        raise ValueError(f"a step could not be measured: {reason or 'its process was ended'}")


def _trial(config: "TrainingConfig", folder: Path) -> None:
    from gptviz.runs import Run
    from gptviz.runs.control import Requests
    from gptviz.training.loop import Trainer

    letters = "ab"[: config.model.vocab_size]
    n_characters = 10 * (config.model.block_size + 2)
    text = folder / "text.txt"
    text.write_text((letters * n_characters)[:n_characters], encoding="utf-8")
    quiet = replace(
        config,
        data=str(text),
        tokenizer="char",
        snapshots=0,
        sample_interval=0,
        copy_steps=0,
        end_of_text=False,
    )
    run = Run.create(folder / "run", quiet)
    trainer = Trainer(run, Requests(run))
    trainer.one_step()  # the first one is slower, as it allocates memory: it does not count
    start, seconds, done = time.perf_counter(), 0.0, 0
    while seconds < ENOUGH_SECONDS and done < ENOUGH_STEPS:
        trainer.one_step()
        seconds, done = time.perf_counter() - start, done + 1
        row = {"seconds_per_step": seconds / done, "peak_bytes": system.peak_bytes()}
        print(json.dumps(row), flush=True)


def main() -> None:
    """The child's part: settings from standard input, what was measured to standard output."""
    from gptviz.training.config import TrainingConfig

    config = TrainingConfig.from_dict(json.load(sys.stdin))
    try:
        with tempfile.TemporaryDirectory(prefix="gptviz-measure-") as folder:
            _trial(config, Path(folder))
    except (ValueError, OSError) as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
