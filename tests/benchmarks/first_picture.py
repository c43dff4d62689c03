"""How long it takes from the command to the first picture, and from a new prompt to its picture.

    python tests/benchmarks/first_picture.py [PAGE] [--runs N]

Each run starts the server anew and opens PAGE (the overview, if none is given) in a Chromium that
is already open. Medians, in seconds; they mean little while the machine does something else.
"""

import argparse
import os
import re
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from gptviz.tokenizers import GPT2Tokenizer

PROMPTS = ("The king and the queen", "O Romeo, Romeo! wherefore art thou Romeo?", "My love")


def one_run(browser: Browser, page_name: str) -> dict[str, float]:
    """The seconds of each step."""
    started = time.perf_counter()
    server = subprocess.Popen(
        [sys.executable, "-m", "gptviz", "--no-browser", "--port", "0"],
        cwd=Path(__file__).parents[2],
        stdout=subprocess.PIPE,
        text=True,
    )
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    try:
        address = re.search(r"http\S+", server.stdout.readline())[0]
        seconds = {"command to address": time.perf_counter() - started}
        page.goto(f"{address}/{page_name}")
        page.get_by_role("img", name="The path of").wait_for()
        seconds["command to first picture"] = time.perf_counter() - started
        page.wait_for_selector('[data-test-script-state="notRunning"]', state="attached")
        seconds["command to finished page"] = time.perf_counter() - started
        box = page.get_by_label("Your text")
        for prompt in PROMPTS:
            box.fill(prompt)
            n_tokens = len(GPT2Tokenizer().encode(prompt))
            typed = time.perf_counter()
            box.press("Control+Enter")
            page.get_by_role("img", name=f"The path of {n_tokens} tokens").wait_for()
            seconds[f"new prompt of {n_tokens} tokens to picture"] = time.perf_counter() - typed
        return seconds
    finally:
        page.close()
        server.terminate()
        server.wait()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("page", nargs="?", default="")
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    program = os.environ.get("GPTVIZ_CHROMIUM") or shutil.which("chromium")
    with sync_playwright() as playwright:
        flags = ["--no-sandbox", "--disable-gpu"]
        browser = playwright.chromium.launch(executable_path=program, args=flags)
        runs = [one_run(browser, options.page) for _ in range(options.runs)]
        browser.close()
    for step in runs[0]:
        print(f"{statistics.median(run[step] for run in runs):6.2f}  {step}")


if __name__ == "__main__":
    main()
