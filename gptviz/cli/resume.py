"""`gptviz resume`: go on with a run in this terminal."""

import argparse
from typing import TYPE_CHECKING

from gptviz.cli import settings
from gptviz.cli.in_terminal import together
from gptviz.cli.runs import find
from gptviz.training.settings import SETTINGS

if TYPE_CHECKING:
    from gptviz.runs import Run

LENGTH = ("steps", "patience")  # the settings that decide when a run ends
RESUME = """\
Go on with a run from its last checkpoint, along the very curve that it would have taken without
the break. `gptviz runs` lists the runs.

    gptviz resume checkpoints/first

A run that is done, or has ended early, goes on if it is given more steps or more patience. Its
learning rate then stays at the last one of its schedule (`--help` of `gptviz train` tells of
decay_steps); the page can change it while the run goes on.

    gptviz resume checkpoints/first --steps 2000"""


def options(command: argparse.ArgumentParser) -> None:
    """Which run."""
    command.description = RESUME
    command.add_argument("run_name", metavar="RUN", help="its folder, or its name in gptviz runs")
    command.add_argument(
        "--accept-new-data",
        action="store_true",
        help="go on although the text has changed since; the curve is then that of two texts",
    )
    for name in LENGTH:
        settings.add_option(command, SETTINGS[name], "as before")
    command.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Train on from the run's last checkpoint."""
    return together(lambda _: reopen(options))


def reopen(options: argparse.Namespace) -> "Run":
    """The run to go on with, whose text may be another one if that is wished."""
    from gptviz.runs import longer, text

    run = find(options.run_name)
    if options.accept_new_data and (change := text.accept(run)):
        print(f"gptviz: {change}")
    if changes := {name: getattr(options, name) for name in LENGTH if name in options}:
        return longer.lengthen(run, **changes)
    return run
