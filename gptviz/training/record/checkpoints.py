"""A run's checkpoints: models that any page opens, with what is needed to go on from them.

RUN/checkpoints/step-000600/   a model folder, and optimizer.safetensors
"""

import math

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.amp import GradScaler
from torch.optim import Optimizer

from gptviz import system
from gptviz.checkpoints import folder as model_folder
from gptviz.checkpoints import steps
from gptviz.disk import Row, flush, whole_folder
from gptviz.disk_errors import advice, reason
from gptviz.model import GPT
from gptviz.runs import Run
from gptviz.tokenizers import Tokenizer
from gptviz.training.optimizer import empty_memory
from gptviz.training.record.observer import Observer

UNSCALED = GradScaler("cpu", enabled=False)
SCALER = {"scale": "scaler.scale", "_growth_tracker": "scaler.growth_tracker"}


class Checkpoints(Observer):
    """Saves the model at each validation, and keeps the best step and the last one."""

    def __init__(
        self,
        run: Run,
        model: GPT,
        optimizer: Optimizer,
        tokenizer: Tokenizer,
        scaler: GradScaler = UNSCALED,
    ):
        self.run, self.model, self.optimizer, self.tokenizer = run, model, optimizer, tokenizer
        self.scaler = scaler
        self.best_step, self.best_val_loss = 0, math.inf

    def started(self, step: int) -> None:  # noqa: ARG002
        losses = {row["step"]: row["val_loss"] for row in self.run.metrics if "val_loss" in row}
        kept = {step: losses[step] for step in self.run.checkpoints if step in losses}
        self.best_step = min(kept, key=kept.__getitem__, default=0)
        self.best_val_loss = kept.get(self.best_step, math.inf)

    def step_done(self, row: Row) -> None:
        if "val_loss" not in row:
            return
        step, val_loss = row["step"], row["val_loss"]
        self.save(step)
        if val_loss < self.best_val_loss:
            self.best_step, self.best_val_loss = step, val_loss
        self.run.update_status(
            {
                "step": step,
                "last_step": step,
                "val_loss": val_loss,
                "best_step": self.best_step,
                "best_val_loss": self.best_val_loss,
            }
        )
        prune(self.run, keep={self.best_step, step})

    def save(self, step: int) -> None:
        """Write the checkpoint of a step. Raises OSError in words, as the function below."""
        save(self.run, step, self.model, self.optimizer, self.tokenizer, self.scaler)

    def keep_last_step(self, step: int) -> str:
        """Save the last step that was finished, after a later one broke off; what is kept."""
        if not step:
            return "no step was finished, so resume starts from the beginning"
        if step != latest(self.run):
            self.save(step)
            self.run.update_status({"step": step, "last_step": step})
            prune(self.run, keep={self.best_step, step})
        return f"the checkpoint of step {step} is kept, so resume the run"


def save(
    run: Run,
    step: int,
    model: GPT,
    optimizer: Optimizer,
    tokenizer: Tokenizer,
    scaler: GradScaler = UNSCALED,
) -> None:
    """Write a folder that `gptviz.load` opens and `resume` goes on from.

    Raises OSError in words if the disk is full; an earlier checkpoint is left as it was.
    """
    run.require_folder()
    try:
        with whole_folder(run.checkpoint(step)) as partial:
            model_folder.save(partial, model, tokenizer)
            tensors = {**optimizer_tensors(model, optimizer), **scaler_tensors(scaler)}
            save_file(tensors, partial / "optimizer.safetensors")
            flush(partial / "optimizer.safetensors")  # an earlier checkpoint is removed soon
    except (OSError, SafetensorError) as error:
        raise OSError(
            f"the checkpoint of step {step} could not be written to {run.folder} "
            f"({reason(error)}); {_kept(run)}, so {advice(error)} and resume"
        ) from error


def _kept(run: Run) -> str:
    step = latest(run)
    return f"that of step {step} is kept" if step else "there is none, and it begins anew"


def latest(run: Run) -> int:
    """The step from which a run goes on: that of its last checkpoint, 0 if there is none."""
    kept = run.checkpoints
    told = run.status.get("last_step")
    if told in kept:
        return told
    return max(kept, default=0)  # status.json is lost, or the checkpoint that it names


def load(
    run: Run, step: int, model: GPT, optimizer: Optimizer, scaler: GradScaler = UNSCALED
) -> None:
    """Put weights and optimiser back as they were after a step. Raises OSError or ValueError."""
    folder = run.checkpoint(step)
    saved, _ = model_folder.read(folder)
    model.load_state_dict(saved.state_dict())
    path = folder / "optimizer.safetensors"
    try:
        tensors = load_file(path)  # mapped, so copied below: the file is to be removed one day
        named = {parameter: name for name, parameter in model.named_parameters()}
        for group in optimizer.param_groups:
            for parameter in group["params"]:
                optimizer.state[parameter] = {
                    key: tensors[f"{named[parameter]}.{key}"].to(parameter.device, copy=True)
                    for key in empty_memory(group, parameter)
                }
        if scaler.is_enabled():
            kept = {key: tensors[name].item() for key, name in SCALER.items()}
            scaler.load_state_dict({**scaler.state_dict(), **kept})
    except (OSError, SafetensorError, KeyError) as error:
        raise ValueError(
            f"{path} cannot be read ({error}), so the run cannot go on; its model in the same "
            f"folder can still be looked at"
        ) from error


def scaler_tensors(scaler: GradScaler) -> dict[str, Tensor]:
    """What float16's scaler remembers: its scale, and for how many steps none ran over."""
    state = scaler.state_dict()
    return {name: torch.tensor(state[key]) for key, name in SCALER.items() if key in state}


def prune(run: Run, keep: set[int]) -> None:
    """Remove the checkpoints of all other steps, and what a killed process left half written."""
    names = {run.checkpoint(step).name for step in keep}
    for folder in (run.folder / steps.CHECKPOINTS).iterdir():
        if folder.name not in names:
            system.remove_folder(folder)


def optimizer_tensors(model: nn.Module, optimizer: Optimizer) -> dict[str, Tensor]:
    """The optimiser's means under the names of their parameters; 0 before a first step."""
    names = {parameter: name for name, parameter in model.named_parameters()}
    return {
        f"{names[parameter]}.{key}": value
        for group in optimizer.param_groups
        for parameter in group["params"]
        for key, value in (optimizer.state[parameter] or empty_memory(group, parameter)).items()
    }
