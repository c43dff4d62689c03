"""A training run on disk: its settings, how far it is, and what it wrote.

    RUN/config.json      the TrainingConfig
    RUN/about.json       when it was made, of which preset, by whom, and whether it ships
    RUN/status.json      state, step, the best and the last checkpoint; written by the worker
    RUN/control.json     what the worker is asked to do; written by the page and the commands
    RUN/text.json        which text it reads, to the byte; see gptviz.runs.text
    RUN/rates.json       the learning rates that were chosen while it ran
    RUN/metrics.jsonl, samples.jsonl, layers.jsonl, induction.jsonl   see gptviz.training.record
    RUN/token_counts.npz how often each token occurs in what it trains on
    RUN/lock             held by the process that trains the run, or waits to
    RUN/start.lock       held by who starts that process, until it holds the run itself
    RUN/checkpoints/, RUN/snapshots/   models; see gptviz.checkpoints.steps

This module needs no PyTorch: a list of runs appears at once.
"""

import json
from contextlib import suppress
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gptviz.checkpoints import steps
from gptviz.disk import LARGEST_JSON, overwrite_json, read_json, read_regular, rows, write_json
from gptviz.runs import lock
from gptviz.runs.files import LIVING, Command, Control, Rate, State, Status
from gptviz.runs.holding import Holdable

if TYPE_CHECKING:
    from gptviz.training.config import TrainingConfig

METRICS, SAMPLES = "metrics.jsonl", "samples.jsonl"
LAYERS, INDUCTION = "layers.jsonl", "induction.jsonl"
LONGEST_WRITE = 10.0  # seconds in which a change of control.json must be done

__all__ = [
    "INDUCTION",
    "LAYERS",
    "LIVING",
    "METRICS",
    "SAMPLES",
    "Command",
    "Control",
    "DivergedError",
    "Rate",
    "Run",
    "State",
    "Status",
]


class DivergedError(ValueError):
    """The loss or the gradient of a run is no longer a number."""


class Run(Holdable):
    """One run's folder. Open an existing one; `Run.create` begins a new one.

    Raises FileNotFoundError or ValueError in words where there is none.
    """

    def __init__(self, folder: Path):
        self.folder = folder
        path = folder / "config.json"
        if not path.is_file():
            raise FileNotFoundError(f"{folder} is not a training run: it holds no config.json")
        try:
            content = read_regular(path, LARGEST_JSON).decode("utf-8-sig")
            self.settings: dict[str, Any] = json.loads(content)
        except (ValueError, RecursionError) as error:
            raise ValueError(f"{path} cannot be read: {error}") from error
        if not isinstance(self.settings, dict) or not {"model", "data"} <= self.settings.keys():
            raise ValueError(f"{path}: these are not the settings of a training run")

    @classmethod
    def create(
        cls, folder: Path, config: "TrainingConfig", preset: str = "", owner: str = ""
    ) -> "Run":
        """Begin a run, perhaps one of a preset of that name, and of a browser of that id.

        Raises FileExistsError where the folder already holds something.

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
        about = {"created": created, "preset": preset, "owner": owner}
        about = {key: said for key, said in about.items() if said}
        write_json(folder / "about.json", about)
        write_json(folder / "config.json", config.to_dict())
        return cls(folder)

    @property
    def id(self) -> str:
        """The folder's name, by which the run is found again."""
        return self.folder.name

    @cached_property
    def config(self) -> "TrainingConfig":
        """The settings as they were given. Raises ValueError if they cannot work."""
        from gptviz.training.config import TrainingConfig

        return TrainingConfig.from_dict(self.settings)

    @property
    def name(self) -> str:
        """What the screen calls the run: its id, or what one that ships was called."""
        title = read_json(self.folder / "about.json").get("name") if self.is_shipped else None
        return title if isinstance(title, str) and title else self.id

    @property
    def preset(self) -> str:
        """The name of the preset that it was started from with one click, if it was."""
        return str(read_json(self.folder / "about.json").get("preset", ""))

    @property
    def owner(self) -> str:
        """The id of the browser that started it; empty if none did, or if that cannot be read.

        Read anew each time: another run may have come to lie in this folder.
        """
        with suppress(OSError, ValueError):
            owner = read_json(self.folder / "about.json").get("owner")
            return owner if isinstance(owner, str) else ""
        return ""

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

    def require_folder(self, because: Exception | None = None) -> None:
        """Raise FileNotFoundError for a run that somebody removed while a process worked on it."""
        if not (self.folder / "config.json").is_file():
            raise FileNotFoundError(
                f"{self.folder} was removed while this run was at work in it, and what it had "
                f"learnt with it; begin a new run"
            ) from because

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
        write_json(self.folder / "status.json", self._status_with(changes))

    def overwrite_status(self, changes: Status) -> None:
        """The same where there is no room for a new file. Raises OSError."""
        overwrite_json(self.folder / "status.json", self._status_with(changes))

    def _status_with(self, changes: Status) -> dict[str, Any]:
        status: dict[str, Any] = {**self.status, **changes}
        if status.get("state") != "failed":
            status.pop("error", None)
            status.pop("diverged", None)
        return status

    @property
    def control(self) -> Control:
        """What the worker is asked to do."""
        return read_json(self.folder / "control.json")  # type: ignore[return-value]

    def update_control(self, changes: Control) -> None:
        """Ask the worker for something else and leave other requests as they are."""
        # Page and worker both write.
        with lock.held(self.folder / "control.lock", LONGEST_WRITE):
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

    @property
    def metrics(self) -> list[dict[str, Any]]:
        """The rows written so far; one that is still being written or broken is left out."""
        return rows(self.folder / METRICS)

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
