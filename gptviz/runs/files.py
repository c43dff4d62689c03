"""What the small files of a run hold, by which its process and all others understand each other."""

from typing import Any, Literal, TypedDict

State = Literal["queued", "running", "paused", "stopped", "done", "failed", "crashed"]
Command = Literal["pause", "stop"]
LIVING: tuple[State, ...] = ("queued", "running")


class Status(TypedDict, total=False):
    """What status.json holds. Losses are in nats a token; steps count from 1."""

    state: State  # never "crashed", which nobody could write: see gptviz.jobs.state
    step: int
    steps: int
    best_step: int
    best_val_loss: float
    last_step: int  # of the checkpoint from which the run can go on
    val_loss: float
    dtype: dict[str, str]  # of the large products, by kind of device; older runs say only that
    ways: dict[str, dict[str, Any]]  # how steps are computed, by kind of device: see way.py
    trials: dict[str, list[dict[str, Any]]]  # what each way took that was tried, by device
    threads: int
    device: str
    train_tokens: int  # of the text, without what is held out; older runs do not say it
    # Of the text in UTF-8, on average: they turn nats a token into bits a byte.
    train_bytes_per_token: float
    val_bytes_per_token: float  # of the part that is held out
    bytes_per_token: float  # of all of it: older runs say nothing else
    baselines: dict[str, float]  # losses of guesses that only count, in nats a token
    diverged: bool  # whether it failed because its loss was no longer a number
    stopped_early: bool  # whether it is done because validation no longer improved
    queued_at: float  # seconds since 1970
    error: str  # why the run failed, in a sentence
    warning: str  # what could not be written down while the run went on, in a sentence


class Control(TypedDict, total=False):
    """What control.json holds."""

    command: Command | None
    learning_rate: float | None  # the highest rate of the schedule from now on


class Rate(TypedDict):
    """A line of rates.json: from this step on (from 0), the schedule's highest rate is this."""

    step: int
    learning_rate: float
