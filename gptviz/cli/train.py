"""`gptviz train` and `gptviz resume`: begin a run, or go on with one."""

import argparse
import os
import signal
from dataclasses import fields
from pathlib import Path
from typing import Any

DATA = Path(__file__).parent.parent / "data" / "shakespeare.txt"


def options(command: argparse.ArgumentParser) -> None:
    """All settings of a run."""
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
    command.set_defaults(run=run)


def resume_options(command: argparse.ArgumentParser) -> None:
    """Which run."""
    command.add_argument("folder", type=Path, help="the run's folder")
    command.set_defaults(run=resume)


def run(options: argparse.Namespace) -> int:
    """Make the run's folder and train in it."""
    prepare_memory()
    from gptviz.model import GPTConfig
    from gptviz.training import prepare
    from gptviz.training.config import TrainingConfig
    from gptviz.training.runs import Run

    tokenizer = prepare.tokenizer_for(options.tokenizer, options.data)
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
    return follow(Run.create(options.folder, config))


def resume(options: argparse.Namespace) -> int:
    """Train on from the run's last checkpoint."""
    prepare_memory()
    from gptviz.training.runs import Run

    return follow(Run(options.folder))


def follow(run: Any) -> int:
    """Train with a progress bar; Ctrl-C and SIGTERM end it with a checkpoint."""
    from tqdm import tqdm

    from gptviz.training.worker import work

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

        work(run, on_step=show, should_stop=lambda: bool(asked))
    if run.status.get("state") == "stopped":
        print(f"stopped with a checkpoint; go on with: gptviz resume {run.folder}")
    return 0


def prepare_memory() -> None:
    """Let PyTorch use huge pages: a training step allocates much, and takes a third less time.

    The C library reads this when torch is first imported, so it must be set before.
    """
    os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")
