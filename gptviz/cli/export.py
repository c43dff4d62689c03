"""`gptviz export`: a run's best checkpoint, or any model, as a model folder of its own."""

import argparse
from pathlib import Path


def options(command: argparse.ArgumentParser) -> None:
    """What to read, where to write, and in how many bits."""
    command.add_argument("source", help="a run's folder, a model's folder or a model's name")
    command.add_argument("folder", type=Path, help="the new folder, under checkpoints/ for the app")
    command.add_argument("--dtype", choices=("float32", "float16", "bfloat16"), default="float32")
    command.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Read the model and write it anew."""
    import torch

    from gptviz import checkpoints
    from gptviz.checkpoints import counts

    if (options.folder / "status.json").exists():
        raise ValueError(f"{options.folder} is a training run; choose another folder for the model")
    source = checkpoints.find(options.source)
    model, tokenizer = checkpoints.read(source)
    token_counts = counts.read(source, tokenizer.vocab_size)
    dtype = getattr(torch, options.dtype)
    checkpoints.save(options.folder, model, tokenizer, dtype, token_counts)
    print(f"wrote {options.folder}: {model.n_parameters:,} parameters as {options.dtype}")
    return 0
