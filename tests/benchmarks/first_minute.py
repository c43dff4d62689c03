"""How long a newcomer waits in the first minute: for the first picture, and for each next one.

    python tests/benchmarks/first_minute.py [--runs N]

Each run starts the server anew, with the models on board, and opens the overview in a Chromium
that is already open as soon as the server listens: so the command does it, too. Medians of five
runs, in seconds; they mean little while the machine does something else. Of a letter, the pause is
left out after which a text counts as typed.
"""

import argparse
import os
import platform
import re
import shutil
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

GOALS = {
    "command → first picture": 3.0,
    "letter → picture, after the pause": 0.6,
    "candidate → picture": 0.3,
    "page → page": 0.25,
}
PAUSE = 0.3
FLAGS = ["--no-sandbox", "--disable-gpu"]
REPEATS = 5  # of what needs no new server


def n_tokens(page: Page) -> int:
    label = page.get_by_role("img", name="The path of").get_attribute("aria-label")
    return int(re.findall(r"\d+", label or "")[0])


def settle(page: Page) -> None:
    page.wait_for_selector('[data-test-script-state="notRunning"]', state="attached")


def until_one_token_more(page: Page, change: Callable[[], None]) -> float:
    """The seconds from a change to the picture with one token more."""
    settle(page)
    wanted = page.get_by_role("img", name=f"The path of {n_tokens(page) + 1} tokens")
    began = time.perf_counter()
    change()
    wanted.wait_for()
    return time.perf_counter() - began


def until_open(page: Page, title: str) -> float:
    """The seconds from a click in the sidebar to the title and the path of the other page."""
    settle(page)
    link = page.get_by_test_id("stSidebar").get_by_role("link", name=title)
    heading = page.get_by_role("heading", level=1, name=title, exact=True)
    began = time.perf_counter()
    link.click()
    heading.wait_for()
    page.get_by_role("img", name="The path of").wait_for()
    return time.perf_counter() - began


def one_run(browser: Browser) -> dict[str, float]:
    """The seconds of each step."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    started = time.perf_counter()
    server = subprocess.Popen(
        [sys.executable, "-m", "gptviz", "--no-browser", "--port", str(port)],
        cwd=Path(__file__).parents[2],
        stdout=subprocess.DEVNULL,
    )
    try:
        with socket.socket() as wait:
            while wait.connect_ex(("127.0.0.1", port)):
                time.sleep(0.01)
        page.goto(f"http://127.0.0.1:{port}")
        page.get_by_role("img", name="The path of").wait_for()
        first = time.perf_counter() - started
        settle(page)
        box = page.get_by_label("Your text")
        box.press("End")
        typed = [
            until_one_token_more(page, lambda: page.keyboard.insert_text(" a")) - PAUSE
            for _ in range(REPEATS)
        ]
        candidate = page.get_by_role("button", name=re.compile("^append ")).first
        clicked = [until_one_token_more(page, candidate.click) for _ in range(REPEATS)]
        for title in ("Tokens", "Attention", "Overview"):  # the code of a page is loaded once
            until_open(page, title)
        turned = [until_open(page, title) for title in ("Tokens", "Attention", "Overview")]
        medians = (first, *map(statistics.median, (typed, clicked, turned)))
        return dict(zip(GOALS, medians, strict=True))
    finally:
        page.close()
        server.terminate()
        server.wait()


def processor() -> str:
    """What this machine calls its processor."""
    file = Path("/proc/cpuinfo")
    text = file.read_text(encoding="utf-8") if file.exists() else ""
    found = re.search(r"model name\s*: (.+)", text)
    return found[1] if found else platform.processor() or platform.machine()


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    program = os.environ.get("GPTVIZ_CHROMIUM") or shutil.which("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=FLAGS)
        runs = [one_run(browser) for _ in range(options.runs)]
        browser.close()
    print(f"{processor()}, {os.cpu_count()} cores")
    for step, goal in GOALS.items():
        print(f"{statistics.median(run[step] for run in runs):6.2f}  of {goal:.2f} s  {step}")


if __name__ == "__main__":
    main()
