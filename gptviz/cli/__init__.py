"""The `gptviz` command: start the app, train a model, go on training, export one."""

import argparse
import sys

from gptviz.cli import app, export, train


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
    app.options(top)
    commands = top.add_subparsers(title="commands", metavar="COMMAND")
    app.options(commands.add_parser("app", help="start the app in a browser (the default)"))
    train.options(
        commands.add_parser(
            "train",
            help="train a model from a text",
            formatter_class=argparse.ArgumentDefaultsHelpFormatter,
        )
    )
    train.resume_options(commands.add_parser("resume", help="go on with a run that was stopped"))
    export.options(
        commands.add_parser(
            "export", help="write a run's best checkpoint as a model folder of its own"
        )
    )
    return top
