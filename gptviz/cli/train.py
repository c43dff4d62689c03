"""`gptviz train` and `gptviz resume`: begin a run, or go on with one, in this terminal."""

import argparse
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gptviz import system
from gptviz.cli import output, settings
from gptviz.cli.runs import find

if TYPE_CHECKING:
    from gptviz.runs import Run
    from gptviz.training.data import Dataset
    from gptviz.training.process_group import ProcessGroup

TRAIN = """\
Train a GPT from scratch on a text, and watch its loss fall. Everything that happens is written
to a folder: put it under checkpoints/, and the app shows the run while it learns.

    gptviz train --run checkpoints/first

trains a small model on the plays that are on board, in about a minute a thousand steps. Then try
a text of your own, a larger model, and more steps. What a setting is if you do not give it stands
in square brackets."""
TRAIN_END = """\
A file for --config is TOML with the same names:

    data = "poems.txt"       # from the file's folder
    tokenizer = "bpe"
    steps = 2000
    learning_rate = 5e-4

Ctrl-C ends the run with a checkpoint, a second one at once and without; go on with
`gptviz resume FOLDER`. One run trains at a time on a machine; a second one waits for its turn."""
RESUME = """\
Go on with a run from its last checkpoint, along the very curve that it would have taken without
the break. `gptviz runs` lists the runs.

    gptviz resume checkpoints/first"""


def options(command: argparse.ArgumentParser) -> None:
    """Where the run lies, a file of settings, and all settings."""
    command.description, command.epilog = TRAIN, TRAIN_END
    command.add_argument(
        "--run",
        "--folder",
        dest="folder",
        type=Path,
        required=True,
        metavar="FOLDER",
        help="a new folder; behind torchrun, which takes --run for its own, write --folder",
    )
    command.add_argument(
        "--config", type=Path, metavar="FILE", help="settings in TOML; options overrule it"
    )
    settings.add_options(command)
    command.set_defaults(run=run)


def resume_options(command: argparse.ArgumentParser) -> None:
    """Which run."""
    command.description = RESUME
    command.add_argument("run_name", metavar="RUN", help="its folder, or its name in gptviz runs")
    command.set_defaults(run=resume)


def run(options: argparse.Namespace) -> int:
    """Make the run's folder and train in it."""
    return together(lambda group: begin(options, group))


def begin(options: argparse.Namespace, group: "ProcessGroup") -> "Run":
    """A new run, after everything that can be wrong with its settings and its text was tried."""
    from gptviz.runs import Run, names
    from gptviz.training import data
    from gptviz.training.prepare import Prepared

    names.require_folder(options.folder)
    if (options.folder / "config.json").exists():
        raise FileExistsError(
            f"{options.folder} already holds a run; go on with `gptviz resume {options.folder}` "
            f"or choose another folder"
        )
    chosen = settings.chosen(options, options.config)
    names.require_utf8(chosen["data"])
    given = settings.training_config(chosen, vocab_size=1)  # before a tokenizer is made for nothing
    group.require_divisible(given.batch_size)
    if chosen["data"].is_dir():
        chosen["tokenizer"] = prepared_with(chosen["data"], getattr(options, "tokenizer", None))
        chosen["end_of_text"] = Prepared.read(chosen["data"]).end_of_text
        text = data.open_prepared(chosen["data"])
    else:
        text = read_text(chosen)
    config = settings.training_config(chosen, text.tokenizer.vocab_size)
    data.split(text.ids, config.model.block_size)  # raises if the text is too short
    begun = Run.create(options.folder, config)
    if not chosen["data"].is_dir():
        data.keep_tokenizer(text.tokenizer, begun.folder)
    return begun


def read_text(chosen: dict[str, Any]) -> "Dataset":
    """The text as the run will read it, with a tokenizer of its own if it is to have one."""
    from gptviz.training import data, prepare

    source = chosen["data"]
    data.require_size(source)
    tokenizer = prepare.tokenizer_for(
        chosen["tokenizer"],
        source,
        chosen["bpe_vocab_size"],
        show_progress=sys.stderr.isatty(),
        end_of_text=chosen["end_of_text"],
    )
    return data.read(source, tokenizer, chosen["end_of_text"])


def prepared_with(folder: Path, typed: str | None) -> str:
    """The tokenizer of a prepared text. Raises ValueError if another one is asked for."""
    from gptviz.training.prepare import Prepared

    kind = Prepared.read(folder).tokenizer
    if typed not in (None, kind):
        raise ValueError(
            f"{folder} was prepared with --tokenizer {kind}, not {typed}; leave the option out, "
            f"or prepare the text again"
        )
    return kind


def resume(options: argparse.Namespace) -> int:
    """Train on from the run's last checkpoint."""
    return together(lambda _: find(options.run_name))


def together(open_run: Callable[["ProcessGroup"], "Run"]) -> int:
    """Train a run in this process and in all others that torchrun started for it.

    The first one opens the run; the others do what it says. One of several processes ends here.
    """
    from gptviz.training.process_group import ALONE
    from gptviz.training.torchrun import join

    output.need_not_be_read()
    group = join()
    if group is ALONE:
        return lead(open_run(group), group)
    code = 130  # if Ctrl-C ends it at once
    try:
        with group:
            code = lead(open_run(group), group) if group.rank == 0 else assist(group)
    except (ValueError, OSError) as error:
        print(f"gptviz: {error}", file=sys.stderr)
        code = 1
    except KeyboardInterrupt:
        pass
    return system.end(code)


def assist(group: "ProcessGroup") -> int:
    """Do what the first process says until the end."""
    from gptviz.training.distributed import DistributedGroup, follow

    assert isinstance(group, DistributedGroup)
    asked: list[int] = []
    for name in system.END_SIGNALS:
        signal.signal(name, lambda number, _: asked.append(number))
    follow(group, should_stop=lambda: bool(asked))
    return 0


def lead(run: "Run", group: "ProcessGroup") -> int:
    """Train with a progress bar; Ctrl-C and SIGTERM end it with a checkpoint."""
    from tqdm import tqdm

    from gptviz.disk import Tail
    from gptviz.jobs.worker import work
    from gptviz.runs import SAMPLES

    run.require_own()
    if run.status.get("state") == "done":
        print(f"{run.folder} is done, so there is nothing to go on with")
        return 0
    asked: list[int] = []

    def ask(number: int, _: object) -> None:
        if asked and number == signal.SIGINT:
            raise KeyboardInterrupt
        asked.append(number)
        os.write(2, b"\nstopping with a checkpoint; Ctrl-C ends at once, without one\n")

    for name in system.END_SIGNALS:
        signal.signal(name, ask)
    samples = Tail(run.folder / SAMPLES)
    samples.new()  # those of before are known
    done = run.status.get("last_step", 0)
    with tqdm(total=run.config.steps, initial=done, unit="step", dynamic_ncols=True) as bar:

        def wait(ahead: int) -> None:
            runs = f"{ahead} more before it" if ahead else "it is next"
            bar.set_description_str(f"waiting for another run to end ({runs})")
            group.keep_waiting()

        def show_samples() -> None:
            for sample in samples.new()[1]:
                bar.write(f"step {sample['step']} writes: {sample['prompt']}{sample['text']}")

        def show(row: dict[str, Any]) -> None:
            bar.set_description_str("", refresh=False)
            bar.update(row["step"] - bar.n)
            bar.set_postfix(loss=f"{row['train_loss']:.3f}", refresh=False)
            if "val_loss" in row:
                bar.write(f"step {row['step']}: validation loss {row['val_loss']:.4f} nats a token")
            if run.config.sample_interval:
                show_samples()

        work(run, on_step=show, should_stop=lambda: bool(asked), on_wait=wait, group=group)
        show_samples()
    tell_the_end(run)
    return 0


def tell_the_end(run: "Run") -> None:
    """What became of the run, in a sentence on the terminal."""
    status = run.status
    if status.get("state") != "done":
        kept = "with a checkpoint" if "last_step" in status else "before its first step"
        print(f"{status.get('state')} {kept}; go on with: gptviz resume {run.folder}")
    elif status.get("stopped_early"):
        print(f"done: {run.config.patience} validations brought no new best, at {run.folder}")
    if warning := status.get("warning"):
        print(f"gptviz: {warning}", file=sys.stderr)
