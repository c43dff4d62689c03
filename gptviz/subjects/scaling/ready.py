"""The family as it was trained once: what it validated ships with gptviz, its models do not.

    python -m gptviz.subjects.scaling.ready FOLDER --machine "one thread of …"

trains it in FOLDER, goes on where it was interrupted, and writes ready.json beside this file. Let
nothing else run meanwhile: the minutes are those that it took.
"""

import argparse
import json
import math
from functools import cache
from pathlib import Path

import pandas as pd

from gptviz.disk import read_json, write_text
from gptviz.jobs import worker
from gptviz.runs import Run
from gptviz.subjects.scaling import analysis
from gptviz.subjects.scaling.family import family
from gptviz.training.record import metrics

FILE = Path(__file__).with_name("ready.json")
DIGITS = 6


@cache
def courses() -> pd.DataFrame:
    """What was validated, as `analysis.courses` of the runs."""
    return pd.DataFrame(read_json(FILE)["courses"])


def about() -> dict[str, str]:
    """machine, torch, minutes: on what and with what it was trained, and how long that takes."""
    return read_json(FILE)["about"]


def train(folder: Path, seed: int = 0) -> list[Run]:
    """Train the family's models in this process, one after the other; done ones are left alone."""
    runs = []
    for name, config in family(seed=seed).items():
        place = folder / name
        run = Run(place) if place.is_dir() else Run.create(place, config)
        worker.work(run)
        runs.append(run)
    return runs


def keep(runs: list[Run], machine: str, file: Path = FILE) -> None:
    """Write what runs validated, each number with DIGITS digits."""
    import torch

    table = analysis.courses(runs)
    rounded = {
        name: [float(f"{value:.{DIGITS}g}") if isinstance(value, float) else value for value in row]
        for name, row in table.to_dict("list").items()
    }
    told = {
        "machine": machine,
        "torch": torch.__version__.partition("+")[0],
        "minutes": str(math.ceil(sum(map(_seconds, runs)) / 60)),
    }
    write_text(file, json.dumps({"about": told, "courses": rounded}, indent=0) + "\n")


def _seconds(run: Run) -> float:
    """How long it trained and validated, without pauses."""
    return float(metrics.read(run.folder)["seconds"][-1])


def main() -> None:
    """Read the command's arguments, and do as they say."""
    parser = argparse.ArgumentParser(description="Train the family that ships.")
    parser.add_argument("folder", type=Path, help="where the runs lie")
    parser.add_argument("--machine", required=True, help="what to say of the processor")
    options = parser.parse_args()
    keep(train(options.folder), options.machine)


if __name__ == "__main__":
    main()
