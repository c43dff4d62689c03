"""A training run on disk: what it was told, how far it is, and what it left.

    RUN/config.json      the TrainingConfig
    RUN/about.json       its name on the screen, when it was made, and whether it ships with gptviz
    RUN/status.json      state, step, the best and the last checkpoint; written by the worker
    RUN/control.json     what the worker is asked to do; written by the page and the commands
    RUN/rates.json       the learning rates that were chosen while it ran
    RUN/metrics.jsonl    one line a step
    RUN/samples.jsonl, RUN/layers.jsonl, RUN/induction.jsonl   see gptviz.training.recording
    RUN/token_counts.npz how often each token occurs in what it trains on
    RUN/lock             held by the process that trains the run, or waits to
    RUN/checkpoints/, RUN/snapshots/   models; see gptviz.checkpoints.steps

This module needs no PyTorch: a list of runs appears at once.
"""

import fcntl
import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypedDict

from gptviz.checkpoints import steps
from gptviz.training import jsonl, lock
from gptviz.training.files import append_row, drop_rows_after, read_json, write_json

if TYPE_CHECKING:
    from gptviz.training.config import TrainingConfig

State = Literal["queued", "running", "paused", "stopped", "done", "failed", "crashed"]
Command = Literal["pause", "stop"]
LIVING: tuple[State, ...] = ("queued", "running")
SAMPLES, LAYERS, INDUCTION = "samples.jsonl", "layers.jsonl", "induction.jsonl"


class Status(TypedDict, total=False):
    """What status.json holds. Losses are in nats a token; steps count from 1."""

    state: State  # never "crashed", which nobody could write: see gptviz.training.jobs.state
    step: int
    steps: int
    best_step: int
    best_val_loss: float
    last_step: int  # of the checkpoint from which the run can go on
    val_loss: float
    dtype: dict[str, str]  # what the large products are computed in, by kind of device
    device: str
    bytes_per_token: float  # of the text in UTF-8, on average: turns nats a token into bits a byte
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


class Run:
    """One run's folder. Open an existing one; `Run.create` begins a new one.

    Raises FileNotFoundError or ValueError in words where there is none.
    """

    def __init__(self, folder: Path):
        self.folder = folder
        path = folder / "config.json"
        if not path.is_file():
            raise FileNotFoundError(f"{folder} is not a training run: it holds no config.json")
        try:
            self.settings: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        except (ValueError, RecursionError) as error:
            raise ValueError(f"{path} cannot be read: {error}") from error
        if not isinstance(self.settings, dict) or not {"model", "data"} <= self.settings.keys():
            raise ValueError(f"{path}: these are not the settings of a training run")

    @classmethod
    def create(cls, folder: Path, config: "TrainingConfig", name: str | None = None) -> "Run":
        """Begin a run. Raises FileExistsError where the folder already holds something.

        Raises OSError in words where there can be no folder.
        """
        try:
            taken = folder.exists() and any(folder.iterdir())
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OSError(
                f"{folder} cannot be the folder of a run ({error.strerror}); choose another folder"
            ) from error
        if taken:
            raise FileExistsError(
                f"{folder} already holds something; go on with `gptviz resume {folder}` "
                f"or choose another folder"
            )
        created = datetime.now(UTC).isoformat(timespec="milliseconds")
        write_json(folder / "about.json", {"name": name or folder.name, "created": created})
        write_json(folder / "config.json", config.to_dict())
        return cls(folder)

    @property
    def id(self) -> str:
        """The folder's name, which never changes."""
        return self.folder.name

    @cached_property
    def config(self) -> "TrainingConfig":
        """The settings as they were given. Raises ValueError if they cannot work."""
        from gptviz.training.config import TrainingConfig

        return TrainingConfig.from_dict(self.settings)

    @property
    def name(self) -> str:
        """What the screen calls the run; its id if nothing else was chosen."""
        name = read_json(self.folder / "about.json").get("name")
        return name if isinstance(name, str) and name else self.id

    @property
    def created(self) -> str:
        """When the run was made: an ISO time, by which runs can be sorted."""
        created = read_json(self.folder / "about.json").get("created")
        if isinstance(created, str) and created:
            return created
        made = (self.folder / "config.json").stat().st_mtime
        return datetime.fromtimestamp(made, UTC).isoformat(timespec="milliseconds")

    @cached_property
    def is_shipped(self) -> bool:
        """Whether it came with gptviz: then it stays as it is, and its text may be elsewhere."""
        with suppress(ValueError):  # a broken file marks nothing, and keeps nobody from training
            return read_json(self.folder / "about.json").get("shipped") is True
        return False

    def require_own(self) -> None:
        """Raise ValueError for a run that ships with gptviz."""
        if self.is_shipped:
            raise ValueError(
                f"{self.name} ships with gptviz and stays as it is; "
                f"clone its settings to train one of your own"
            )

    @property
    def text(self) -> Path | None:
        """The file or prepared folder that it reads; of a run that ships only its name is here."""
        return None if self.is_shipped else Path(self.settings["data"])

    @property
    def status(self) -> Status:
        """How far the run is; empty before its start. A broken file counts as a failure."""
        try:
            return read_json(self.folder / "status.json")  # type: ignore[return-value]
        except (OSError, ValueError) as error:
            return {
                "state": "failed",
                "error": f"{error}; resume goes on from the last checkpoint without it",
            }

    def update_status(self, changes: Status) -> None:
        """Change some entries of status.json and keep the others; an error goes with its state."""
        status: dict[str, Any] = {**self.status, **changes}
        if status.get("state") != "failed":
            status.pop("error", None)
        write_json(self.folder / "status.json", status)

    @property
    def control(self) -> Control:
        """What the worker is asked to do."""
        return read_json(self.folder / "control.json")  # type: ignore[return-value]

    def update_control(self, changes: Control) -> None:
        """Ask the worker for something else and leave other requests as they are."""
        with (self.folder / "control.lock").open("w") as file:  # page and worker both write
            fcntl.flock(file, fcntl.LOCK_EX)
            with suppress(ValueError):  # what cannot be read asks for nothing
                changes = {**self.control, **changes}
            write_json(self.folder / "control.json", changes)

    @property
    def rates(self) -> list[Rate]:
        """The learning rates that were chosen while the run ran, in order."""
        return read_json(self.folder / "rates.json").get("rates", [])

    def write_rates(self, rates: list[Rate]) -> None:
        """Remember the learning rates that were chosen, so that a resume follows the same curve."""
        write_json(self.folder / "rates.json", {"rates": rates})

    @contextmanager
    def locked(self) -> Iterator[int]:
        """Hold the run, so that no second process trains it; the kernel frees it at any death.

        Gives the lock's file descriptor: a child process that inherits it holds the run, too.
        Raises ValueError if another process holds it, or if it ships with gptviz.
        """
        self.require_own()
        with ExitStack() as held:
            try:
                descriptor = held.enter_context(lock.held(self.folder / "lock"))
            except BlockingIOError:
                raise ValueError(
                    f"{self.folder} is being trained by another process; stop that one first"
                ) from None
            yield descriptor

    @property
    def is_held(self) -> bool:
        """Whether a process trains the run or waits to."""
        return lock.is_held(self.folder / "lock")

    @property
    def metrics(self) -> list[dict[str, Any]]:
        """The rows written so far; one that is still being written or broken is left out."""
        return jsonl.rows(self.folder / "metrics.jsonl")

    def append_metrics(self, row: dict[str, Any]) -> None:
        """Add one step's row. Raises OSError in words if the disk is full."""
        append_row(self.folder / "metrics.jsonl", row)

    def forget_after(self, step: int) -> None:
        """Drop the rows of steps that are taken again, and one that is only half written."""
        drop_rows_after(self.folder / "metrics.jsonl", step)

    def checkpoint(self, step: int) -> Path:
        """Where the checkpoint of a step lies."""
        return self.folder / steps.CHECKPOINTS / steps.folder_name(step)

    def snapshot(self, step: int) -> Path:
        """Where the snapshot of a step lies."""
        return self.folder / steps.SNAPSHOTS / steps.folder_name(step)

    @property
    def checkpoints(self) -> list[int]:
        """The steps of the checkpoints on disk, in order."""
        return steps.kept(self.folder / steps.CHECKPOINTS)

    @property
    def snapshots(self) -> list[int]:
        """The steps of the snapshots on disk, in order."""
        return steps.kept(self.folder / steps.SNAPSHOTS)
