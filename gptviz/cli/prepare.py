"""`gptviz prepare`: tokenize a text of any length into a folder that training maps."""

import argparse
import signal
import sys
from pathlib import Path

from gptviz import system
from gptviz.training.settings import SETTINGS

PREPARE = """\
Tokenize a text once, into a folder that `gptviz train --data FOLDER` reads without holding it in
memory: for texts above 50 MB, or for many runs on one text. It takes about ten seconds for 100 MB.

    gptviz prepare wikipedia.txt prepared/wikipedia
    gptviz train --run checkpoints/wiki --data prepared/wikipedia --steps 20000"""


def options(command: argparse.ArgumentParser) -> None:
    """What to read, where to write, and how text becomes tokens."""
    command.description = PREPARE
    command.epilog = "Ctrl-C ends it and leaves nothing half-written."
    command.add_argument("text", type=Path, help="a text in UTF-8, of any length")
    command.add_argument("folder", type=Path, help="a new folder")
    command.add_argument(
        "--tokenizer",
        choices=tuple(SETTINGS["tokenizer"].choices or ()),
        default="gpt2",
        help="gpt2: the 50,257 tokens of GPT-2; bpe: learnt from the text, smaller; "
        "char: one token a character [gpt2]",
    )
    command.add_argument(
        "--vocab-size",
        type=int,
        default=2048,
        metavar="N",
        help="tokens of a bpe; 2048 to 16384 suit small models [2048]",
    )
    command.add_argument(
        "--end-of-text",
        action="store_true",
        help="read <|endoftext|> between two texts as that token, with the line ends around it",
    )
    command.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Write the folder, with a progress bar."""
    from tqdm import tqdm

    from gptviz.runs.names import require_utf8
    from gptviz.training import prepare, texts

    require_utf8(options.text)
    require_utf8(options.folder)
    # Whatever ends it is to leave nothing, also where a shell had it ignore Ctrl-C.
    for number in system.END_SIGNALS:
        signal.signal(number, signal.default_int_handler)
    with tqdm(total=texts.size(options.text), unit="B", unit_scale=True, dynamic_ncols=True) as bar:
        about = prepare.prepare(
            options.text,
            options.folder,
            options.tokenizer,
            options.vocab_size,
            on_bytes=bar.update,
            show_progress=sys.stderr.isatty(),
            end_of_text=options.end_of_text,
        )
    print(
        f"wrote {options.folder}: {about.tokens:,} tokens, {about.bytes / about.tokens:.2f} bytes "
        f"each; train on it with: gptviz train --run checkpoints/NAME --data {options.folder}"
    )
    return 0
