"""`gptviz export`: a run's best checkpoint, or any model, as a model folder of its own."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

    from gptviz.model import GPT

MOST_NAMED = 5  # files that a sentence names


def options(command: argparse.ArgumentParser) -> None:
    """What to read, where to write, in how many bits, and whether over something."""
    command.add_argument("source", help="a run's folder, a model's folder or a model's name")
    command.add_argument("folder", type=Path, help="the new folder, under checkpoints/ for the app")
    command.add_argument("--dtype", choices=("float32", "float16", "bfloat16"), default="float32")
    command.add_argument(
        "--replace", action="store_true", help="write over a model that the folder holds"
    )
    command.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Read the model and write it anew."""
    import torch

    from gptviz import checkpoints
    from gptviz.checkpoints import counts
    from gptviz.runs.names import require_utf8

    require_utf8(options.folder)
    if (options.folder / "status.json").exists():
        raise ValueError(f"{options.folder} is a training run; choose another folder for the model")
    if not options.replace:
        require_free(options.folder)
    source = checkpoints.find(options.source)
    model, tokenizer = checkpoints.read(source)
    token_counts = counts.read(source, tokenizer.vocab_size)
    dtype = getattr(torch, options.dtype)
    require_room(model, dtype, options.dtype)
    checkpoints.save(options.folder, model, tokenizer, dtype, token_counts)
    print(f"wrote {options.folder}: {model.n_parameters:,} parameters as {options.dtype}")
    return 0


def require_room(model: "GPT", dtype: "torch.dtype", name: str) -> None:
    """Raise ValueError for a number that the type cannot hold, which would become infinity."""
    for tensor_name, tensor in model.state_dict().items():
        if not tensor.isfinite().all():
            raise ValueError(
                f"{tensor_name} holds numbers that are none (NaN or infinity); "
                f"export a checkpoint from before that"
            )
        if not tensor.to(dtype).isfinite().all():
            raise ValueError(
                f"{tensor_name} holds {float(tensor.abs().max()):,.0f}, which {name} cannot: it "
                f"would become infinity; choose --dtype bfloat16 or float32"
            )


def require_free(folder: Path) -> None:
    """Raise FileExistsError, which says what is there, for a folder that holds something."""
    if not folder.is_dir():
        return
    # A process that was killed while it wrote may have left something that nobody reads.
    there = sorted(path.name for path in folder.iterdir() if not path.name.startswith(".partial-"))
    if there:
        named = ", ".join([*there[:MOST_NAMED], *["…"][: len(there) > MOST_NAMED]])
        raise FileExistsError(
            f"{folder} already holds {named}; write --replace to put the model in the place of one "
            f"that is there, or choose another folder"
        )
