"""A run beside another busy process: how much longer its steps take than alone.

    python tests/benchmarks/busy_core.py                 # every preset of the page
    python tests/benchmarks/busy_core.py small --steps 200 --busy 1

Each preset trains twice as `gptviz train` does, once alone and once beside processes that keep a
core busy each. What counts is the ratio of the two: a run whose threads wait for each other took
eight times as long. A process of its own keeps the measurement apart from the busy ones.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from gptviz.jobs.presets import SIZES
from gptviz.jobs.worker import work
from gptviz.runs import Run
from gptviz.tokenizers.baselines import SHAKESPEARE

BUSY = "while True: pass"


def train(name: str, steps: int) -> None:
    """The child's part: train a preset and print the seconds that its steps took."""
    preset = {each.name: each for each in SIZES}[name]
    config = replace(preset.on(SHAKESPEARE), steps=steps, snapshots=0, sample_interval=0)
    with tempfile.TemporaryDirectory() as folder:
        os.environ["GPTVIZ_SLOT"] = folder
        run = Run.create(Path(folder) / "run", replace(config, eval_interval=steps))
        times: list[float] = []
        work(run, on_step=lambda row: times.append(row["seconds"]))
        status = run.status
        took = times[-1] - times[0]
        print(json.dumps({"seconds": took, "threads": status.get("threads", 1)}))


def measured(name: str, steps: int, busy: int) -> dict[str, float]:
    """What a run took beside so many busy processes."""
    others = [subprocess.Popen([sys.executable, "-c", BUSY]) for _ in range(busy)]
    try:
        time.sleep(0.5)
        command = [sys.executable, __file__, name, "--steps", str(steps), "--child"]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    finally:
        for other in others:
            other.kill()
            other.wait()
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    names = [preset.name for preset in SIZES]
    parser.add_argument(
        "presets", nargs="*", metavar="PRESET", help=f"of {', '.join(names)}; all if none"
    )
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--busy", type=int, default=1, help="processes that keep a core busy")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        train(options.presets[0], options.steps)
        return
    for name in options.presets or names:
        alone = measured(name, options.steps, 0)
        beside = measured(name, options.steps, options.busy)
        ratio = beside["seconds"] / alone["seconds"]
        print(
            f"  {name:18} alone {alone['seconds']:6.1f} s on {alone['threads']} threads, "
            f"beside {options.busy} busy {beside['seconds']:6.1f} s on {beside['threads']}   "
            f"x {ratio:.2f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
