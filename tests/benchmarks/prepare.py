"""How quickly `gptviz prepare` tokenizes a text, and how much memory it takes, at two sizes.

    python tests/benchmarks/prepare.py [--megabytes 200] [--tokenizer gpt2]

The text is the plays on board, over and over. The memory is the highest that the process had;
if it grows with the text, the text is not streamed.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
from itertools import cycle, islice
from pathlib import Path

import gptviz
from gptviz.training.prepare import Prepared

PLAYS = Path(gptviz.__file__).parent / "data" / "shakespeare.txt"
MEASURED = """
import resource, sys, time
from gptviz.cli import main
from gptviz.training import prepare
started = time.perf_counter()
code = main(["prepare", *sys.argv[1:]])
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(f"seconds {time.perf_counter() - started} kilobytes {peak}")
sys.exit(code)
"""


def measure(text: Path, folder: Path, tokenizer: str) -> tuple[float, float]:
    """Seconds from the command to the finished folder, and the highest memory in MB."""
    done = subprocess.run(
        [sys.executable, "-c", MEASURED, text, folder, "--tokenizer", tokenizer],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    seconds, kilobytes = re.search(r"seconds (\S+) kilobytes (\S+)", done.stdout).groups()
    return float(seconds), float(kilobytes) / 1000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--megabytes", type=int, default=200)
    parser.add_argument("--tokenizer", choices=("gpt2", "bpe", "char"), default="gpt2")
    options = parser.parse_args()
    plays = PLAYS.read_bytes()
    with tempfile.TemporaryDirectory() as scratch:
        for megabytes in (options.megabytes // 10, options.megabytes):
            text, folder = Path(scratch) / f"{megabytes}.txt", Path(scratch) / str(megabytes)
            with text.open("wb") as file:
                for part in islice(cycle([plays]), megabytes * 1_000_000 // len(plays)):
                    file.write(part)
            seconds, peak = measure(text, folder, options.tokenizer)
            size = Prepared.read(folder).bytes / 1e6
            print(f"{size:6.0f} MB: {size / seconds:5.1f} MB/s, at most {peak:.0f} MB of memory")


if __name__ == "__main__":
    main()
