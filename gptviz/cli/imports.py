"""`gptviz import`: a checkpoint of nanoGPT as a model folder."""

import argparse
from pathlib import Path

from gptviz.cli.export import require_free


def options(command: argparse.ArgumentParser) -> None:
    """What to read and where to write."""
    command.add_argument("source", type=Path, help="nanoGPT's ckpt.pt")
    command.add_argument("folder", type=Path, help="the new folder, under checkpoints/ for the app")
    command.add_argument(
        "--meta", type=Path, help="the meta.pkl that names its characters [beside ckpt.pt]"
    )
    command.add_argument(
        "--activation",
        choices=("gelu", "gelu_tanh"),
        default="gelu",
        help="gelu_tanh for a model of nanoGPT from before 2023 [gelu]",
    )
    command.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Read the checkpoint and write the folder."""
    from gptviz import checkpoints
    from gptviz.checkpoints import nanogpt
    from gptviz.runs.names import require_utf8

    require_utf8(options.folder)
    require_free(options.folder)
    model = nanogpt.read(options.source, options.activation)
    meta = options.meta or options.source.with_name(nanogpt.META)
    checkpoints.save(options.folder, model, nanogpt.tokenizer(model, meta))
    print(f"wrote {options.folder}: {model.n_parameters:,} parameters")
    return 0
