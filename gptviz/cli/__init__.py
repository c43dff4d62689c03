"""The `gptviz` command: the app, training, and what belongs to it."""

import argparse
import sys
from collections.abc import Callable

from gptviz.cli import anatomy, app, export, imports, output, prepare, resume, runs, train
from gptviz.disk_errors import in_words

EXIT_CODES = """\
exit codes:
  0    done, or stopped on request with a checkpoint
  1    an error, told in a sentence
  2    an option that does not exist or has no such value
  130  ended at once by Ctrl-C"""
Options = Callable[[argparse.ArgumentParser], None]
COMMANDS: dict[str, tuple[str, Options]] = {
    "app": ("start the app in a browser (the default)", app.options),
    "train": ("train a model from a text", train.options),
    "resume": ("go on with a run that was stopped", resume.options),
    "runs": ("list the runs: state, step, losses", runs.options),
    "compare": ("put runs side by side", runs.compare_options),
    "anatomy": ("count a model's parameters, memory and work", anatomy.options),
    "prepare": ("tokenize a large text for training", prepare.options),
    "export": ("write a run's best checkpoint as a model or a program", export.options),
    "import": ("make a model folder of a checkpoint of nanoGPT", imports.options),
}


def main(arguments: list[str] | None = None) -> int:
    """Run one command; the process's exit code. Errors are one sentence, never a traceback."""
    with output.to_anybody():
        options = parser().parse_args(arguments)
        try:
            code = options.run(options)
            output.flush(sys.stdout)
            return code
        except (ValueError, OSError) as error:
            print(f"gptviz: {in_words(error)}", file=sys.stderr)
            return 1
        except KeyboardInterrupt:
            return 130


def parser() -> argparse.ArgumentParser:
    """All commands with their options."""
    top = argparse.ArgumentParser(
        prog="gptviz",
        description="See what happens inside a GPT. Without a command: start the app.",
        epilog=f"`gptviz COMMAND --help` explains a command.\n\n{EXIT_CODES}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    app.options(top)
    commands = top.add_subparsers(title="commands", metavar="COMMAND")
    for name, (words, options) in COMMANDS.items():
        command = commands.add_parser(
            name, help=words, formatter_class=argparse.RawDescriptionHelpFormatter
        )
        options(command)
        command.epilog = "\n\n".join(filter(None, (command.epilog, EXIT_CODES)))
    return top
