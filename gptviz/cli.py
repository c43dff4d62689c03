"""The `gptviz` command: start the app, train a model, go on training, export one."""

import argparse
import os
import signal
import sys
from dataclasses import fields
from pathlib import Path
from typing import Any

DATA = Path(__file__).parent / "data" / "shakespeare.txt"


def main(arguments: list[str] | None = None) -> int:
    """Run one command; the process's exit code. Errors are one sentence, never a traceback."""
    options = parser().parse_args(arguments)
    try:
        return options.run(options)
    except (ValueError, OSError) as error:
        print(f"gptviz: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def parser() -> argparse.ArgumentParser:
    """All commands with their options."""
    top = argparse.ArgumentParser(
        prog="gptviz",
        description="See what happens inside a GPT. Without a command: start the app.",
    )
    app_options(top)
    commands = top.add_subparsers(title="commands", metavar="COMMAND")
    app = commands.add_parser("app", help="start the app in a browser (the default)")
    app_options(app)
    train = commands.add_parser(
        "train",
        help="train a model from a text",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    train_options(train)
    resume = commands.add_parser("resume", help="go on with a run that was stopped")
    resume.add_argument("folder", type=Path, help="the run's folder")
    resume.set_defaults(run=run_resume)
    export = commands.add_parser(
        "export", help="write a run's best checkpoint as a model folder of its own"
    )
    export.add_argument("source", help="a run's folder, a model's folder or a model's name")
    export.add_argument("folder", type=Path, help="the new folder, under checkpoints/ for the app")
    export.add_argument("--dtype", choices=("float32", "float16", "bfloat16"), default="float32")
    export.set_defaults(run=run_export)
    return top


def app_options(command: argparse.ArgumentParser) -> None:
    command.add_argument("--host", default="127.0.0.1", help="the address to listen on")
    command.add_argument("--port", type=int, default=8501, help="the port to listen on")
    command.add_argument("--no-browser", action="store_true", help="do not open a browser")
    command.set_defaults(run=run_app)


def train_options(command: argparse.ArgumentParser) -> None:
    add = command.add_argument
    add("--run", dest="folder", type=Path, required=True, help="a new folder for the run")
    add("--data", type=Path, default=DATA, help="a UTF-8 text; its last tenth is held out")
    add("--tokenizer", choices=("gpt2", "char"), default="char", help="how text becomes tokens")
    add("--n-layer", type=int, default=4, help="how many blocks")
    add("--n-head", type=int, default=4, help="attention heads in a block")
    add("--n-embd", type=int, default=128, help="width: numbers that stand for one token")
    add("--block-size", type=int, default=128, help="context: tokens read at once")
    add("--dropout", type=float, default=0.1, help="share of numbers left out while learning")
    add("--batch-size", type=int, default=16, help="texts read side by side")
    add("--accumulation", type=int, default=1, help="batches added up before one correction")
    add("--steps", type=int, default=1000, help="corrections of the weights")
    add("--learning-rate", type=float, default=1e-3, help="the highest rate, after the warm-up")
    add("--min-learning-rate", type=float, default=1e-4, help="the rate at the end")
    add("--warmup-steps", type=int, default=50, help="steps until the rate is at its highest")
    add("--weight-decay", type=float, default=0.1, help="how strongly matrices are pulled to 0")
    add("--gradient-clip", type=float, default=1.0, help="longest gradient that is followed")
    add("--precision", choices=("auto", "float32", "bfloat16"), default="auto", help="of products")
    add("--eval-interval", type=int, default=50, help="steps between two validations")
    add("--eval-windows", type=int, default=64, help="windows of held-out text a validation reads")
    add("--seed", type=int, default=0, help="the same seed gives the same run")
    command.set_defaults(run=run_train)


def run_app(options: argparse.Namespace) -> int:
    from gptviz.ui.server import serve

    return serve(options.host, options.port, open_browser=not options.no_browser)


def run_train(options: argparse.Namespace) -> int:
    prepare_memory()
    from gptviz.model import GPTConfig
    from gptviz.training import data
    from gptviz.training.config import TrainingConfig
    from gptviz.training.runs import Run

    text = data.read_text(options.data)
    tokenizer = data.tokenizer_for(options.tokenizer, text)
    model = GPTConfig(
        vocab_size=tokenizer.vocab_size,
        block_size=options.block_size,
        n_layer=options.n_layer,
        n_head=options.n_head,
        n_embd=options.n_embd,
        embd_pdrop=options.dropout,
        attn_pdrop=options.dropout,
        resid_pdrop=options.dropout,
        attention="fused",
    )
    same = [setting.name for setting in fields(TrainingConfig) if hasattr(options, setting.name)]
    same.remove("data")
    settings = {name: getattr(options, name) for name in same}
    config = TrainingConfig(model=model, data=str(options.data.resolve()), **settings)
    data.split(data.encode(text, tokenizer), options.block_size)  # too short: begin no run
    return follow(Run.create(options.folder, config))


def run_resume(options: argparse.Namespace) -> int:
    prepare_memory()
    from gptviz.training.runs import Run

    return follow(Run(options.folder))


def follow(run: Any) -> int:
    """Train with a progress bar; Ctrl-C and SIGTERM end it with a checkpoint."""
    from tqdm import tqdm

    from gptviz.training.loop import train

    asked: list[int] = []
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, lambda number, frame: asked.append(number))
    done = run.status.get("last_step", 0)
    with tqdm(total=run.config.steps, initial=done, unit="step", dynamic_ncols=True) as bar:

        def show(row: dict[str, Any]) -> None:
            bar.update()
            bar.set_postfix(loss=f"{row['train_loss']:.3f}", refresh=False)
            if "val_loss" in row:
                bar.write(f"step {row['step']}: validation loss {row['val_loss']:.4f} nats a token")

        train(run, on_step=show, should_stop=lambda: bool(asked))
    if run.status.get("state") == "stopped":
        print(f"stopped with a checkpoint; go on with: gptviz resume {run.folder}")
    return 0


def run_export(options: argparse.Namespace) -> int:
    import torch

    from gptviz import checkpoints

    if (options.folder / "status.json").exists():
        raise ValueError(f"{options.folder} is a training run; choose another folder for the model")
    model, tokenizer = checkpoints.read(checkpoints.find(options.source))
    checkpoints.save(options.folder, model, tokenizer, getattr(torch, options.dtype))
    print(f"wrote {options.folder}: {model.n_parameters:,} parameters as {options.dtype}")
    return 0


def prepare_memory() -> None:
    """Let PyTorch use huge pages: a training step allocates much, and takes a third less time.

    The C library reads this when torch is first imported, so it must be set before.
    """
    os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")
