"""How long the sampling page takes to redraw while a slider is dragged, in Chromium.

    gptviz --no-browser --port 8501 &
    python tests/benchmarks/sampling_redraw.py http://127.0.0.1:8501

A redraw recomputes all stages over the whole vocabulary and draws every picture. The aim is
16 ms, one frame of a screen that shows 60 a second.
"""

import os
import shutil
import statistics
import sys

from playwright.sync_api import Page, sync_playwright

MOVES = 60
SLIDERS = ("temperature", "top_k", "top_p", "repetition_penalty")


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


def main(url: str) -> None:
    """Print one line for each slider."""
    program = os.environ.get("GPTVIZ_CHROMIUM") or shutil.which("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        page.goto(f"{url}/sampling")
        page.locator(".explorer[data-kept]").wait_for()
        print(f"{'slider':20} {'median':>8} {'95 %':>8} {'slowest':>8}  ms, {MOVES} redraws")
        for name in SLIDERS:
            times = sorted(redraws(page, name))
            late = times[int(0.95 * len(times))]
            print(f"{name:20} {statistics.median(times):8.2f} {late:8.2f} {times[-1]:8.2f}")
        browser.close()


if __name__ == "__main__":
    main(sys.argv[1].rstrip("/"))
