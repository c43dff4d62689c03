"""How long a model of GPT-2's size takes in the app: from a new prompt to its attention picture.

    python tests/benchmarks/gpt2_small.py [--runs N]

A GPT-2 small with random weights is written to a folder of its own and served. Each prompt has 63
or 64 tokens and is new, so nothing of it is in a cache. Medians, in seconds; they mean little while
the machine does something else. The aim is one second.
"""

import argparse
import os
import random
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch
from playwright.sync_api import Page, sync_playwright

from gptviz import GPT, GPTConfig, checkpoints
from gptviz.tokenizers import GPT2Tokenizer

WORDS = ("the", "king", "and", "love", "of", "my", "heart", "to", "see", "a", "light", "in", "his")


def redraw(page: Page, number: int) -> float:
    """Seconds from the keys that send a prompt until the page with its heads is finished."""
    n_tokens = 64 - number % 2  # another number than before, by which the new picture is known
    text = " " + " ".join(random.Random(number).choices(WORDS, k=n_tokens))  # a token each
    page.get_by_label("Your text").fill(text)
    began = time.perf_counter()
    page.get_by_label("Your text").press("Enter")
    page.get_by_role("img", name=f"The path of {n_tokens} tokens").wait_for()
    page.wait_for_selector('[data-test-script-state="notRunning"]', state="attached")
    return time.perf_counter() - began


def main() -> None:
    """Print the median and the slowest redraw."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--runs", type=int, default=7)
    options = parser.parse_args()
    program = os.environ.get("GPTVIZ_CHROMIUM") or shutil.which("chromium")
    with tempfile.TemporaryDirectory() as root, sync_playwright() as playwright:
        model = GPT(GPTConfig(), torch.Generator().manual_seed(0))
        checkpoints.save(Path(root) / "gpt2-small", model, GPT2Tokenizer())
        server = subprocess.Popen(
            [sys.executable, "-m", "gptviz", "--no-browser", "--port", "0"],
            env={**os.environ, "GPTVIZ_CHECKPOINTS": root},
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            address = re.search(r"http\S+", server.stdout.readline())[0]
            browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
            page = browser.new_page(viewport={"width": 1440, "height": 900})
            page.goto(f"{address}/attention")
            page.get_by_role("img", name="The path of").wait_for(timeout=120_000)
            took = sorted(redraw(page, number) for number in range(options.runs))
            browser.close()
        finally:
            server.terminate()
            server.wait()
    print(f"64 tokens, 12 layers of 12 heads: {statistics.median(took):.2f} s", end="")
    print(f" (slowest {took[-1]:.2f} s)")


if __name__ == "__main__":
    main()
