"""What the training page costs a run, and what a run costs the other pages.

    python tests/benchmarks/training_page.py [--steps N] [--rounds N]

The default run is started by a click on Start in a Chromium that then stays on the page; then the
same run in a terminal, with nobody looking; and so on in turn. Printed are the seconds from the
click to the first loss on the page, the speeds of the runs, and how long a slider of the attention
page takes to answer, in a browser of its own (see classroom.py), beside the same before Start.
Everything runs on this machine, so the browser's work counts too. One process may be a fifth
quicker than the next with the same settings, so single rounds mean little.
"""

import argparse
import asyncio
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from classroom import Browser, browser, serve
from playwright.async_api import Page, async_playwright, expect

from gptviz import jobs
from gptviz.runs import Run
from gptviz.training.record import metrics

WARM_UP = 100  # steps that do not count
SLIDES = 10  # seconds of pulling sliders
PATIENCE = 120_000  # milliseconds
ESTIMATED = re.compile(r"tokens a step · (about|more than) \d")


def speed(run: Run, first: int, last: int) -> float:
    """Tokens a second between two steps, with everything that a step brings along."""
    course = metrics.read(run.folder)
    steps, seconds = course["step"], course["seconds"]
    inside = (steps >= first) & (steps <= last)
    took = seconds[inside][-1] - seconds[inside][0]
    return float((inside.sum() - 1) * run.config.tokens_per_step / took)


def in_terminal(like: Run, folder: Path, steps: int) -> float:
    """The speed of a run with the same settings that nobody looks at."""
    run = Run.create(folder, like.config, folder.name)
    command = [sys.executable, "-m", "gptviz", "resume", str(folder)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while process.poll() is None and len(metrics.read(folder)) < steps:
        try:
            process.wait(timeout=0.5)
        except subprocess.TimeoutExpired:
            continue
    jobs.stop(run)
    process.wait()
    return speed(run, WARM_UP, steps)


async def steps_done(run: Run, steps: int) -> None:
    while len(metrics.read(run.folder)) < steps:
        await asyncio.sleep(0.5)


async def start(page: Page, address: str) -> float:
    """Start the default run; the seconds until its first loss is on the page."""
    await page.goto(f"{address}/training")
    await expect(page.get_by_test_id("stMain")).to_contain_text(ESTIMATED, timeout=PATIENCE)
    await page.evaluate(
        """() => {
            const roots = () => [...document.querySelectorAll("*")].map((e) => e.shadowRoot)
            const line = '[data-name="training, each step"]'
            const begun = () => roots().map((root) => root?.querySelector(line)).find(Boolean)
            addEventListener("click", () => {
                const clicked = performance.now()
                const look = () => begun()?.dataset.points > 0
                    ? window.firstLoss = (performance.now() - clicked) / 1000
                    : setTimeout(look, 50)
                look()
            }, {once: true, capture: true})
        }"""
    )
    await page.get_by_role("button", name="Start").click()
    found = await page.wait_for_function("window.firstLoss", timeout=PATIENCE)
    return await found.json_value()


async def measure(options: argparse.Namespace, root: Path) -> None:
    program = os.environ.get("GPTVIZ_CHROMIUM") or shutil.which("chromium")
    firsts, idle, busy, watched, alone = [], [], [], [], []
    async with serve() as server, async_playwright() as playwright:
        chromium = await playwright.chromium.launch(
            executable_path=program, args=["--no-sandbox", "--disable-gpu"]
        )
        async with browser(server, "attention", 0) as other:
            for i in range(options.rounds):
                idle += await slide(other)
                page = await chromium.new_page(viewport={"width": 1440, "height": 900})
                firsts.append(await start(page, f"http://127.0.0.1:{server.port}"))
                run = jobs.list_runs(root)[0]
                await steps_done(run, options.steps)
                watched.append(speed(run, WARM_UP, options.steps))
                busy += await slide(other)
                jobs.stop(run)
                while run.is_held:
                    await asyncio.sleep(0.1)
                await page.close()
                folder = root / f"in-a-terminal-{i}"
                alone.append(await asyncio.to_thread(in_terminal, run, folder, options.steps))
            errors = other.errors + server.printed
        await chromium.close()
    print("first loss on the page, seconds after Start:", *(f"{first:.2f}" for first in firsts))
    for name, speeds in (("on the page", watched), ("in a terminal", alone)):
        print(f"tokens a second {name}:", *(f"{value:,.0f}" for value in speeds))
    print(f"  medians x {statistics.median(watched) / statistics.median(alone):.3f}")
    without, beside = statistics.median(idle), statistics.median(busy)
    print(f"slider: {without * 1000:.0f} ms idle, {beside * 1000:.0f} ms while it trains", end="")
    print(f"   x {beside / without:.2f}")
    print(f"errors: {len(errors)}", *errors[:5], sep="\n  ")


async def slide(other: Browser) -> list[float]:
    """Seconds of a slider's answers."""
    other.waits = []
    await other.busy(SLIDES)
    return other.waits


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--steps", type=int, default=800, help="of which the first 100 warm up")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        models = Path(folder, "models")
        bundled = Path(__file__).parents[2] / "checkpoints"
        shutil.copytree(bundled, models)
        os.environ["GPTVIZ_CHECKPOINTS"] = str(models)
        os.environ["GPTVIZ_SLOT"] = str(Path(folder, "slot"))
        Path(folder, "slot").mkdir()
        asyncio.run(measure(options, models))


if __name__ == "__main__":
    main()
