"""gptviz beside Hugging Face's GPT-2, nanoGPT and a bound written by hand, on random weights.

    python tests/benchmarks/peers.py trace                     # at 16, 64, 256 and 1,024 tokens
    python tests/benchmarks/peers.py generate                  # 64 tokens after 16
    python tests/benchmarks/peers.py train --shape small --batch 8x128 16x256
    python tests/benchmarks/peers.py start                     # import, build, load, first trace
    python tests/benchmarks/peers.py late                      # gptviz: token 900 beside token 20

Each contestant works in a process of its own, and they take turns, so that a machine that gets
slower slows all of them. What counts is the ratio of medians of one run; absolute times mean
little on a shared machine. nanoGPT takes part if $NANOGPT names the folder of its model.py;
transformer-lens if it is installed and named with --who.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent


class Worker:
    """A contestant's process: it answers one line of JSON with another."""

    def __init__(self, name: str, threads: int):
        environment = {**os.environ, "TOKENIZERS_PARALLELISM": "false", "TQDM_DISABLE": "1"}
        environment |= {"OMP_NUM_THREADS": str(threads), "MKL_NUM_THREADS": str(threads)}
        self.name = name
        self.process = subprocess.Popen(
            [sys.executable, HERE / "peers_worker.py", name],
            env=environment,
            text=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )

    def ask(self, **question: Any) -> dict[str, Any]:
        self.process.stdin.write(json.dumps(question) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            raise SystemExit(f"{self.name} died; its last words are above")
        return json.loads(answer)

    def end(self) -> None:
        self.process.stdin.close()
        self.process.wait()


def compare(task: str, cells: dict[str, dict[str, Any]], options: argparse.Namespace) -> None:
    """Print a table for each cell: median, ratio to the first contestant, memory."""
    workers = [Worker(name, options.threads) for name in options.who]
    for worker in workers:
        worker.ask(order="build", task=task, shape=options.shape)
    for title, cell in cells.items():
        seconds: dict[str, list[float]] = {worker.name: [] for worker in workers}
        for i in range(-1, options.rounds):
            for worker in workers:
                took = worker.ask(order="work", seed=i + 1, **cell)["seconds"]
                if i >= 0:  # the first one warms up
                    seconds[worker.name].append(took)
        first = statistics.median(seconds[options.who[0]])
        print(
            f"\n{task} {options.shape} {title}: {options.rounds} rounds, {options.threads} threads"
        )
        for worker in workers:
            median = statistics.median(seconds[worker.name])
            memory = worker.ask(order="memory", **cell)
            line = f"  {worker.name:18} {median * 1000:9.1f} ms   x {median / first:.3f}"
            line += f"   peak {memory['peak'] / 1e6:7.1f} MB"
            if task == "trace":
                line += f"   kept {memory['kept'] / 1e6:7.1f} MB"
            else:
                line += f"   {cell['tokens'] / median:8.1f} tokens/s"
            print(line, flush=True)
    for worker in workers:
        worker.end()


def start(options: argparse.Namespace) -> None:
    """Import, build, load and first trace, each time in a new process, from one folder."""
    code = {
        "hf": "from transformers import GPT2LMHeadModel; import torch\n"
        "model = GPT2LMHeadModel.from_pretrained(FOLDER, attn_implementation='eager').eval()\n"
        "with torch.inference_mode():\n"
        "    model(torch.arange(16)[None], output_attentions=True, output_hidden_states=True)",
        "gptviz": "import gptviz\ngptviz.load(FOLDER).trace(range(16))",
    }
    clock = "import time; START = time.perf_counter()\n{}\nprint(time.perf_counter() - START)"
    with tempfile.TemporaryDirectory() as folder:
        save_random(folder, options.shape)
        seconds: dict[str, list[float]] = {name: [] for name in code}
        for _ in range(options.rounds + 1):
            for name, lines in code.items():
                program = clock.format(f"FOLDER = {folder!r}\n{lines}")
                run = subprocess.run(
                    [sys.executable, "-c", program],
                    env={**os.environ, "OMP_NUM_THREADS": str(options.threads)},
                    capture_output=True,
                    text=True,
                    check=True,
                )
                seconds[name].append(float(run.stdout.split()[-1]))
    first = statistics.median(seconds["hf"][1:])
    for name, took in seconds.items():
        median = statistics.median(took[1:])
        print(f"  {name:18} {median:6.2f} s   x {median / first:.3f}")


def save_random(folder: str, shape: str) -> None:
    import torch
    from contestants import SHAPES

    from gptviz import GPT, GPTConfig, checkpoints
    from gptviz.tokenizers import GPT2Tokenizer

    model = GPT(GPTConfig(**SHAPES[shape]), torch.Generator().manual_seed(0))
    checkpoints.save(Path(folder), model, GPT2Tokenizer())


def late(options: argparse.Namespace) -> None:
    """How much longer token 900 takes than token 20: medians of eleven around them."""
    worker = Worker("gptviz", options.threads)
    worker.ask(order="build", task="generate", shape=options.shape)
    took = worker.ask(order="steps", tokens=906)["seconds"]
    early, after_900 = (statistics.median(took[n - 5 : n + 6]) for n in (20, 900))
    print(f"  token 20: {early * 1000:.1f} ms   token 900: {after_900 * 1000:.1f} ms", end="")
    print(f"   x {after_900 / early:.3f}")
    worker.end()


def main() -> None:
    words = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=words)
    parser.add_argument("task", choices=("trace", "generate", "train", "start", "late"))
    parser.add_argument("--who", nargs="+", help="contestants; ratios divide by the first")
    parser.add_argument("--shape", choices=("gpt2", "small", "small2k", "char"), default="gpt2")
    parser.add_argument("--tokens", nargs="+", type=int, default=[16, 64, 256, 1024])
    parser.add_argument("--batch", nargs="+", default=["8x128"], help="batch x block")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    if options.who is None:
        nanogpt = ["nanogpt"] if "NANOGPT" in os.environ else []
        options.who = [*nanogpt, "hf"] if options.task == "train" else ["hf", *nanogpt]
        options.who += ["bound", "gptviz"]
    if options.task == "start":
        start(options)
    elif options.task == "late":
        late(options)
    elif options.task == "trace":
        cells = {f"{T} tokens": {"size": [1, T], "tokens": T} for T in options.tokens}
        compare("trace", cells, options)
    elif options.task == "generate":
        compare("generate", {"64 tokens after 16": {"size": [1, 16], "tokens": 64}}, options)
    else:
        cells = {}
        for batch in options.batch:
            B, T = map(int, batch.split("x"))
            cells[batch] = {"size": [B, T + 1], "tokens": B * T}
        compare("train", cells, options)


if __name__ == "__main__":
    main()
