"""A run's checkpoints: models that any page opens, with what is needed to go on from them."""

import os
import shutil

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.optim import Optimizer

from gptviz import checkpoints
from gptviz.checkpoints.folder import to_disk
from gptviz.model import GPT
from gptviz.tokenizers import Tokenizer
from gptviz.training.optimizer import empty_memory
from gptviz.training.runs import Run


def save_checkpoint(
    run: Run, step: int, model: GPT, tokenizer: Tokenizer, optimizer: Optimizer
) -> None:
    """Write a folder that `gptviz.load` opens and `resume` goes on from.

    Raises OSError in words if the disk is full; an earlier checkpoint is left as it was.
    """
    final = run.checkpoint(step)
    partial = final.with_name(f".{final.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    try:
        partial.mkdir(parents=True)
        checkpoints.save(partial, model, tokenizer)
        save_file(optimizer_tensors(model, optimizer), partial / "optimizer.safetensors")
        to_disk(partial / "optimizer.safetensors")  # an earlier checkpoint is removed soon
        shutil.rmtree(final, ignore_errors=True)
        os.replace(partial, final)
    except (OSError, SafetensorError) as error:
        shutil.rmtree(partial, ignore_errors=True)
        cause = error.__cause__ or error
        raise OSError(
            f"the checkpoint of step {step} could not be written to {run.folder} "
            f"({getattr(cause, 'strerror', None) or cause}); an earlier one is kept, "
            f"so make room and resume"
        ) from error


def latest(run: Run) -> int:
    """The step from which a run goes on: that of its last checkpoint, 0 if there is none."""
    kept = run.checkpoints
    told = run.status.get("last_step")
    if told in kept:
        return told
    return max(kept, default=0)  # status.json was lost, or the checkpoint that it names


def load_checkpoint(run: Run, step: int, model: GPT, optimizer: Optimizer) -> None:
    """Put weights and optimiser back as they were after a step. Raises OSError or ValueError."""
    folder = run.checkpoint(step)
    saved, _ = checkpoints.read(folder)
    model.load_state_dict(saved.state_dict())
    path = folder / "optimizer.safetensors"
    try:
        tensors = load_file(path)
        named = {parameter: name for name, parameter in model.named_parameters()}
        for group in optimizer.param_groups:
            for parameter in group["params"]:
                optimizer.state[parameter] = {
                    key: tensors[f"{named[parameter]}.{key}"].to(parameter.device)
                    for key in empty_memory(group, parameter)
                }
    except (OSError, SafetensorError, KeyError) as error:
        raise ValueError(
            f"{path} cannot be read ({error}), so the run cannot go on; its model in the same "
            f"folder can still be looked at"
        ) from error


def prune(run: Run, keep: set[int]) -> None:
    """Remove the checkpoints of all other steps, and what a killed process left half written."""
    names = {run.checkpoint(step).name for step in keep}
    for folder in (run.folder / "checkpoints").iterdir():
        if folder.name not in names:
            shutil.rmtree(folder, ignore_errors=True)


def optimizer_tensors(model: nn.Module, optimizer: Optimizer) -> dict[str, Tensor]:
    """The optimiser's running means under the names of their parameters."""
    return {
        f"{name}.{key}": value
        for name, parameter in model.named_parameters()
        for key, value in optimizer.state[parameter].items()
    }
