"""How long the sampling page takes to redraw while a slider is dragged, and to write a new text.

    gptviz --no-browser --port 8501 &
    python tests/benchmarks/sampling_redraw.py http://127.0.0.1:8501

A redraw recomputes all stages over the whole vocabulary and draws every picture. The aim is
16 ms, one frame of a screen that shows 60 a second. The text of forty tokens is to stand there,
whole, 400 ms after a slider was let go. Each of its five times is that of settings which nobody
has asked for yet, from the key that is let go to the text on the page.
"""

import os
import platform
import random
import re
import shutil
import statistics
import sys
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

MOVES = 60
TEXTS = 5
SLIDERS = ("temperature", "top_k", "top_p", "repetition_penalty")
LET_GO = """([root, name, value]) => new Promise((resolve) => {
  const slider = root.querySelector(`[data-name="${name}"]`)
  slider.value = value
  slider.dispatchEvent(new Event("input"))
  const start = performance.now()
  slider.dispatchEvent(new Event("change"))
  const watch = new MutationObserver(() => {
    if (root.dataset.text !== "whole") return
    watch.disconnect()
    requestAnimationFrame(() => resolve(performance.now() - start))
  })
  requestAnimationFrame(() => watch.observe(root, { attributes: true }))
})"""


def redraws(page: Page, name: str) -> list[float]:
    """Milliseconds of each redraw while the slider goes from one end to the other."""
    box = page.locator(f'.explorer input[data-name="{name}"]').bounding_box()
    assert box
    explorer = page.locator(".explorer")
    y = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + 8, y)
    page.mouse.down()
    found = []
    for i in range(1, MOVES + 1):
        page.mouse.move(box["x"] + 8 + (box["width"] - 16) * i / MOVES, y)
        page.evaluate("() => new Promise(requestAnimationFrame)")
        found.append(float(explorer.get_attribute("data-redraw-ms") or "nan"))
    page.mouse.up()
    return found


def new_texts(page: Page, name: str) -> list[float]:
    """Milliseconds from letting go of a slider to the new text, whole."""
    page.locator('.explorer[data-text="whole"]').wait_for()
    root = page.locator(".explorer").element_handle()
    input_ = page.locator(f'.explorer input[data-name="{name}"]')
    low, high = (float(input_.get_attribute(end) or 0) for end in ("min", "max"))
    found = []
    for _ in range(TEXTS):
        value = random.uniform(low + 0.1 * (high - low), high)
        found.append(page.evaluate(LET_GO, [root, name, value]))
    return found


def processor() -> str:
    """What the machine calls its processor."""
    about = Path("/proc/cpuinfo")
    found = about.exists() and re.search(r"model name\s*: (.+)", about.read_text())
    return found[1] if found else platform.processor()


def main(url: str) -> None:
    """Print two lines for each slider."""
    program = os.environ.get("GPTVIZ_CHROMIUM") or shutil.which("chromium")
    with sync_playwright() as playwright:
        print(f"{os.cpu_count()} cores: {processor()}")
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        page.goto(f"{url}/sampling")
        page.locator(".explorer[data-kept]").wait_for()
        print(f"{'slider':20} {'median':>8} {'95 %':>8} {'slowest':>8}  ms, {MOVES} redraws")
        for name in SLIDERS:
            times = sorted(redraws(page, name))
            late = times[int(0.95 * len(times))]
            print(f"{name:20} {statistics.median(times):8.2f} {late:8.2f} {times[-1]:8.2f}")
        print(f"{'new text after':20} {'median':>8} {'slowest':>17}  ms, {TEXTS} texts")
        for name in SLIDERS:
            times = new_texts(page, name)
            print(f"{name:20} {statistics.median(times):8.0f} {max(times):17.0f}")
        browser.close()


if __name__ == "__main__":
    main(sys.argv[1].rstrip("/"))
