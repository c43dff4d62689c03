"""gptviz beside TransformerLens: lens, attribution, knock-out and patching, on one random GPT-2.

    python -m venv lens4 && lens4/bin/pip install 'transformer-lens==4.*'
    python -m venv lens3 && lens3/bin/pip install 'transformer-lens==3.*'
    python tests/benchmarks/inside.py --bridge lens4/bin/python --hooked lens3/bin/python

Each contestant works in a process of its own, in turns, with the same weights on the same texts,
and the results are compared first. Printed are medians of the time by the clock and of the time on
the processors, the peak of memory, and gptviz's parts of each. Absolute times mean little on a
shared machine, where with --threads 1 the processor's time is the steadier one. The aim is 0.6.

    python tests/benchmarks/inside.py --on-board

times what the pages compute on the model `tales`: all patches of a text of 20 tokens (aim: 2 s),
all heads knocked out (1.5 s), the lens of 64 tokens (0.5 s).
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from peers import save_random

WORKER = Path(__file__).with_name("inside_worker.py")
TASKS = {"lens": 64, "attribution": 64, "knock_out": 64, "patching": 16}  # and their tokens


class Worker:
    """A contestant's process: it answers one line of JSON with another."""

    def __init__(self, name: str, python: str, threads: int):
        self.name = name
        offline = {"HF_HUB_OFFLINE": "1", "TQDM_DISABLE": "1", "TOKENIZERS_PARALLELISM": "false"}
        root = str(Path(__file__).parents[2])
        self.process = subprocess.Popen(
            [python, WORKER, name],
            env={**os.environ, **offline, "OMP_NUM_THREADS": str(threads), "PYTHONPATH": root},
            text=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )

    def ask(self, order: str, **question: Any) -> dict[str, Any]:
        self.process.stdin.write(json.dumps({"order": order, **question}) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            raise SystemExit(f"{self.name} died; its last words are above")
        return json.loads(answer)


def compare(options: argparse.Namespace) -> None:
    """Print the ratios of time and memory of each task to those of gptviz's peers."""
    peers = {name: getattr(options, name) for name in ("bridge", "hooked")}
    pythons = {"gptviz": sys.executable, **{n: python for n, python in peers.items() if python}}
    workers = [Worker(name, python, options.threads) for name, python in pythons.items()]
    with tempfile.TemporaryDirectory() as folder:
        save_random(folder, "gpt2")
        for worker in workers:
            worker.ask("build", folder=folder)
    for task in options.tasks:
        cell = {"task": task, "tokens": TASKS[task]}
        took: dict[str, list[tuple[float, float]]] = {worker.name: [] for worker in workers}
        for i in range(options.rounds + 1):
            answers = {worker.name: worker.ask("work", **cell, seed=i) for worker in workers}
            for name, answer in answers.items():
                pairs = zip(answer["found"], answers["gptviz"]["found"], strict=True)
                off = max(abs(a - b) for a, b in pairs)
                assert off < 1e-3, f"{name} and gptviz differ by {off} in {task}"
                if i:  # the first one warms up
                    took[name].append(answer["took"])
        medians = {
            name: [statistics.median(times) for times in zip(*both, strict=True)]
            for name, both in took.items()
        }
        peaks = {worker.name: worker.ask("memory", **cell, seed=0)["peak"] for worker in workers}
        print(f"\n{task}, {TASKS[task]} tokens, {options.rounds} rounds, {options.threads} threads")
        for name in pythons:
            seconds, processor = medians[name]
            line = f"  {name:8} {seconds:8.3f} s {processor:8.3f} s {peaks[name] / 1e6:8.1f} MB"
            if name != "gptviz":
                own = medians["gptviz"]
                line += f"   gptviz: x {own[0] / seconds:.2f}, x {own[1] / processor:.2f}"
                line += f", x {peaks['gptviz'] / peaks[name]:.2f}"
            print(line, flush=True)


def on_board(options: argparse.Namespace) -> None:
    """Print the seconds of what the pages compute on `tales`."""
    import torch

    import gptviz
    from gptviz.subjects.residual.analysis import lens

    torch.set_num_threads(options.threads)
    lm = gptviz.load("tales")
    told = lm.ids("there was once a king who had a daughter, and she was fair. " * 6)
    measure = gptviz.patching.logit_difference(11, 12)
    text, other = told[:20], told[1:21]
    tasks = {
        "layer x position, 20 tokens": lambda: gptviz.patching.patch(
            lm, text, other, "h.*", measure
        ),
        "all heads, 20 tokens": lambda: gptviz.what_if.knock_out(lm, text, "loss"),
        "all heads, 64 tokens": lambda: gptviz.what_if.knock_out(lm, told[:64], "loss"),
        "lens, 64 tokens": lambda: lens(lm, lm.trace(told[:64])),
    }
    for name, work in tasks.items():
        took = []
        for _ in range(options.rounds + 1):
            began = time.perf_counter()
            work()
            took.append(time.perf_counter() - began)
        print(f"  {name:28} {statistics.median(took[1:]):6.3f} s", flush=True)


def main() -> None:
    words = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=words)
    parser.add_argument("--bridge", help="the Python of TransformerLens 4 or newer")
    parser.add_argument("--hooked", help="the Python of TransformerLens 3 or older")
    parser.add_argument("--tasks", nargs="+", choices=TASKS, default=list(TASKS))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--on-board", action="store_true")
    options = parser.parse_args()
    if options.on_board:
        on_board(options)
    else:
        compare(options)


if __name__ == "__main__":
    main()
