"""`gptviz runs` and `gptviz compare`: the runs on this machine, and how they differ."""

import argparse
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

    from gptviz.runs import Run

RUNS = """\
List the training runs, the newest first and those that ship with gptviz last, with what they do
and how far they are. Losses are in nats a token: lower is better, and only runs with one tokenizer
compare.

    gptviz runs"""
COMPARE = """\
Put runs side by side: the settings in which they differ, and what came of them.

    gptviz compare slow fast --csv rates.csv"""


def options(command: argparse.ArgumentParser) -> None:
    """Where the runs lie."""
    command.description = RUNS
    command.add_argument(
        "folder",
        nargs="?",
        type=Path,
        help="where the runs lie [$GPTVIZ_CHECKPOINTS, or checkpoints/]",
    )
    command.set_defaults(run=run)


def compare_options(command: argparse.ArgumentParser) -> None:
    """Which runs, and a file for the table."""
    command.description = COMPARE
    command.add_argument("runs", nargs="+", metavar="RUN", help="folders, or names in gptviz runs")
    command.add_argument("--csv", type=Path, metavar="FILE", help="write the table there, too")
    command.set_defaults(run=compare)


def find(name: str) -> "Run":
    """The run in a folder, or of a name in the list. Raises FileNotFoundError or ValueError."""
    from gptviz import jobs
    from gptviz.runs import Run

    return Run(Path(name)) if Path(name).is_dir() else jobs.find_run(name)


def run(options: argparse.Namespace) -> int:
    """Print the table of runs."""
    import pandas as pd

    from gptviz import jobs

    found = jobs.list_runs(options.folder)
    if not found:
        print("there is no run yet; begin one with: gptviz train --run checkpoints/first")
        return 0
    print_table(pd.DataFrame([row(each) for each in found]), index=False)
    return 0


def row(run: "Run") -> dict[str, Any]:
    """What the list says of a run."""
    from gptviz import jobs

    status, metrics = run.status, run.metrics
    last = metrics[-1] if metrics else {}
    return {
        "run": run.name,
        "state": jobs.state(run),
        "step": f"{last.get('step', 0)} of {run.settings.get('steps', '?')}",
        "training loss": last.get("train_loss", math.nan),
        "validation loss": status.get("val_loss", math.nan),
        "best": status.get("best_val_loss", math.nan),
        "note": note(run),
    }


def note(run: "Run") -> str:
    """What there is to know of a run beside its state, if anything."""
    from gptviz import jobs

    if run.is_shipped:
        return "ships with gptviz"
    if run.status.get("stopped_early"):
        return f"ended early, best at step {run.status.get('best_step')}"
    if jobs.state(run) != "queued":
        return ""
    waiting = jobs.queue_position(run)
    return f"{waiting} before it in the queue" if waiting else "the next to begin"


def compare(options: argparse.Namespace) -> int:
    """Print the table of differences and results, a column a run."""
    from gptviz.runs import compare

    table = compare.table([find(name) for name in options.runs])
    named = table.rename(columns=compare.TITLES)
    print_table(named.set_index("run").T.rename_axis(columns=None), index=True)
    if options.csv:
        write_csv(options.csv, table)
    return 0


def write_csv(path: Path, table: "pd.DataFrame") -> None:
    """Write a table for a spreadsheet. Raises OSError in words."""
    from gptviz import spreadsheet

    try:
        path.write_bytes(spreadsheet.csv(table))
    except OSError as error:
        raise OSError(
            f"{path} could not be written ({error.strerror}); name another file"
        ) from error
    print(f"wrote {path}")


def print_table(table: "pd.DataFrame", index: bool) -> None:
    """A table in columns that line up, a dash for what is not known."""
    import pandas as pd

    with pd.option_context("display.unicode.east_asian_width", True):
        print(table.map(shown).to_string(index=index))


def shown(value: Any) -> str:
    """A value of a table: whole numbers in groups of three, others with five digits."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "–"
    if isinstance(value, float):
        return f"{int(value):,}" if value.is_integer() else f"{value:.5g}"
    return f"{value:,}" if type(value) is int else str(value)
