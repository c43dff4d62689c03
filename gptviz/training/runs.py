"""A training run on disk: what it was told, how far it is, and its checkpoints.

    RUN/config.json      the TrainingConfig
    RUN/metrics.jsonl    one line a step
    RUN/status.json      state, step, the best and the last checkpoint
    RUN/checkpoints/step-000600/   a model folder, and the optimiser's state to go on from

Nothing is ever changed in place: a file or a folder is written under a temporary name and
then renamed, so a full disk or a killed process leaves the last good one.
"""

import fcntl
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, TypedDict

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.optim import Optimizer

from gptviz import checkpoints
from gptviz.model import GPT
from gptviz.tokenizers import Tokenizer
from gptviz.training.config import TrainingConfig

State = Literal["running", "stopped", "done", "failed"]


class Status(TypedDict, total=False):
    """What status.json holds. Losses are in nats a token; steps count from 1."""

    state: State
    step: int
    steps: int
    best_step: int
    best_val_loss: float
    last_step: int
    val_loss: float
    dtype: dict[str, str]  # what the large products are computed in, by kind of device
    error: str  # why the run failed, in a sentence


class Run:
    """One run's folder. Open an existing one; `Run.create` begins a new one."""

    def __init__(self, folder: Path):
        self.folder = folder
        if not (folder / "config.json").is_file():
            raise FileNotFoundError(f"{folder} is not a training run: it holds no config.json")
        try:
            values = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        except ValueError as error:
            raise ValueError(f"{folder / 'config.json'} cannot be read: {error}") from error
        self.config = TrainingConfig.from_dict(values)

    @classmethod
    def create(cls, folder: Path, config: TrainingConfig) -> "Run":
        """Begin a run. Raises FileExistsError where the folder already holds something."""
        if folder.exists() and any(folder.iterdir()):
            raise FileExistsError(
                f"{folder} already holds something; go on with `gptviz resume {folder}` "
                f"or choose another folder"
            )
        folder.mkdir(parents=True, exist_ok=True)
        write_json(folder / "config.json", config.to_dict())
        return cls(folder)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the run, so that no second process trains it; the kernel frees it at any death."""
        with (self.folder / "lock").open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise ValueError(
                    f"{self.folder} is being trained by another process; stop that one first"
                ) from None
            yield

    @property
    def status(self) -> Status:
        """How far the run is; empty before its first checkpoint."""
        try:
            return json.loads((self.folder / "status.json").read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}

    def update_status(self, changes: Status) -> None:
        """Change some entries of status.json and keep the others; an error goes with its state."""
        status: dict[str, Any] = {**self.status, **changes}
        if status.get("state") != "failed":
            status.pop("error", None)
        write_json(self.folder / "status.json", status)

    @property
    def metrics(self) -> list[dict[str, Any]]:
        """The rows written so far; a last line that is still being written is left out."""
        try:
            lines = (self.folder / "metrics.jsonl").read_text(encoding="utf-8").splitlines(True)
        except FileNotFoundError:
            return []
        return [json.loads(line) for line in lines if line.endswith("\n")]

    def append_metrics(self, row: dict[str, Any]) -> None:
        """Add one step's row. Raises OSError in words if the disk is full."""
        path = self.folder / "metrics.jsonl"
        try:
            with path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(row) + "\n")
        except OSError as error:
            raise OSError(
                f"{path} could not be written ({error.strerror}); make room and resume"
            ) from error

    def forget_after(self, step: int) -> None:
        """Drop the rows of steps that are taken again, and one that is only half written."""
        rows = [row for row in self.metrics if row["step"] <= step]
        text = "".join(json.dumps(row) + "\n" for row in rows)
        write_text(self.folder / "metrics.jsonl", text)

    def checkpoint(self, step: int) -> Path:
        """Where the checkpoint of a step lies."""
        return self.folder / "checkpoints" / f"step-{step:06d}"

    def save_checkpoint(
        self, step: int, model: GPT, tokenizer: Tokenizer, optimizer: Optimizer
    ) -> None:
        """Write a folder that `gptviz.load` opens and `resume` goes on from."""
        final = self.checkpoint(step)
        partial = final.with_name(f".{final.name}.partial")
        shutil.rmtree(partial, ignore_errors=True)
        try:
            partial.mkdir(parents=True)
            checkpoints.save(partial, model, tokenizer)
            save_file(optimizer_tensors(model, optimizer), partial / "optimizer.safetensors")
            shutil.rmtree(final, ignore_errors=True)
            os.replace(partial, final)
        except (OSError, SafetensorError) as error:
            shutil.rmtree(partial, ignore_errors=True)
            cause = error.__cause__ or error
            raise OSError(
                f"the checkpoint of step {step} could not be written to {self.folder} "
                f"({getattr(cause, 'strerror', None) or cause}); an earlier one is kept, "
                f"so make room and resume"
            ) from error

    def load_checkpoint(self, step: int, model: GPT, optimizer: Optimizer) -> None:
        """Put weights and optimiser back as they were after a step."""
        folder = self.checkpoint(step)
        saved, _ = checkpoints.read(folder)
        model.load_state_dict(saved.state_dict())
        tensors = load_file(folder / "optimizer.safetensors")
        for name, parameter in model.named_parameters():
            optimizer.state[parameter] = {
                key: tensors[f"{name}.{key}"].to(parameter.device)
                for key in ("step", "exp_avg", "exp_avg_sq")
            }

    def prune(self, keep: set[int]) -> None:
        """Remove the checkpoints of all other steps."""
        names = {self.checkpoint(step).name for step in keep}
        for folder in (self.folder / "checkpoints").iterdir():
            if folder.name not in names:
                shutil.rmtree(folder, ignore_errors=True)


def optimizer_tensors(model: nn.Module, optimizer: Optimizer) -> dict[str, Tensor]:
    """AdamW's running means under the names of their parameters."""
    return {
        f"{name}.{key}": value
        for name, parameter in model.named_parameters()
        for key, value in optimizer.state[parameter].items()
    }


def write_text(path: Path, text: str) -> None:
    """Replace a file whole or not at all."""
    partial = path.with_name(f".{path.name}.partial")
    partial.write_text(text, encoding="utf-8")
    os.replace(partial, path)


def write_json(path: Path, value: Any) -> None:
    """Replace a JSON file whole or not at all."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False) + "\n")
