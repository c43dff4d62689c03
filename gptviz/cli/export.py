"""`gptviz export`: a run's best checkpoint, or any model, as a folder of its own.

That is a model for gptviz and `transformers`, or a program for ONNX's runtimes or for PyTorch.
"""

import argparse
import sys
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
    command.add_argument(
        "--format",
        choices=("huggingface", "onnx", "torch"),
        default="huggingface",
        help="a model for gptviz and transformers, or a program that runs without them: model.onnx "
        "(wants the packages onnx and onnxscript) or model.pt2, of torch.export",
    )
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
    if options.format == "huggingface":
        if not options.replace:
            require_free(options.folder)
    else:
        from gptviz.checkpoints import programs

        if options.dtype != "float32":
            raise ValueError(
                f"--dtype {options.dtype} is for --format huggingface; a program of --format "
                f"{options.format} computes in float32, so leave --dtype out"
            )
        programs.require_packages(options.format)
        require_program(options.folder, options.replace)
    source = checkpoints.find(options.source)
    model, tokenizer = checkpoints.read(source)
    dtype = getattr(torch, options.dtype)
    require_room(model, dtype, options.dtype)
    if options.format == "huggingface":
        token_counts = counts.read(source, tokenizer.vocab_size)
        checkpoints.save(options.folder, model, tokenizer, dtype, token_counts)
    else:
        print(f"making {programs.FILES[options.format]} …", file=sys.stderr, flush=True)
        programs.save(options.folder, model, tokenizer, options.format)
    print(f"wrote {options.folder}: {model.n_parameters:,} parameters as {options.dtype}")
    if options.format != "huggingface":
        file, context = programs.FILES[options.format], model.config.block_size
        print(f"{file} reads texts of 1 to {context:,} tokens; it runs without gptviz:\n")
        text = programs.example(model, tokenizer)
        print(programs.lines(options.folder, options.format, text))
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


def require_program(folder: Path, replace: bool) -> None:
    """Raise FileExistsError for a folder that a program must not take the place of."""
    from gptviz.checkpoints import programs

    if folder.exists() and not folder.is_dir():
        raise FileExistsError(f"{folder} is a file; name a folder for the program to lie in")
    if not replace:
        require_free(folder)
    elif folder.exists() and any(folder.iterdir()) and not programs.is_program(folder):
        raise FileExistsError(
            f"{folder} holds other files than a program that gptviz wrote, and all of it would be "
            f"removed; choose another folder"
        )
