"""`gptviz train`: begin a run in this terminal."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gptviz.cli import settings
from gptviz.cli.in_terminal import together

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


def run(options: argparse.Namespace) -> int:
    """Make the run's folder and train in it."""
    return together(lambda group: begin(options, group))


def begin(options: argparse.Namespace, group: "ProcessGroup") -> "Run":
    """A new run, after everything that can be wrong with its settings and its text was tried."""
    from gptviz.jobs import slot
    from gptviz.runs import Run, names
    from gptviz.training import data
    from gptviz.training.prepare import Prepared
    from gptviz.training.record import samples

    names.require_folder(options.folder)
    slot.require_room()
    if (options.folder / "config.json").exists():
        raise FileExistsError(
            f"{options.folder} already holds a run; go on with `gptviz resume {options.folder}` "
            f"or choose another folder"
        )
    chosen = settings.chosen(options, options.config)
    names.require_utf8(chosen["data"])
    given = settings.training_config(chosen, vocab_size=1)  # before a tokenizer is made for nothing
    group.require_divisible(given.batch_size)
    if given.precision == "float16":  # the others work anywhere, and need no PyTorch to say so
        from gptviz.training import devices

        devices.require_precision(given.precision, group.device())
    if chosen["data"].is_dir():
        chosen["tokenizer"] = prepared_with(chosen["data"], getattr(options, "tokenizer", None))
        chosen["end_of_text"] = Prepared.read(chosen["data"]).end_of_text
        text = data.open_prepared(chosen["data"])
    else:
        text = read_text(chosen)
    config = settings.training_config(chosen, text.tokenizer.vocab_size)
    data.split(text.ids, config.model.block_size)  # raises if the text is too short
    samples.require_prompt(config, text.tokenizer)
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
