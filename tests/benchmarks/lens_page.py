"""How long the lens of a new text of 64 tokens takes, in Chromium, with the model that opens.

    gptviz --no-browser --port 8501 &
    python tests/benchmarks/lens_page.py http://127.0.0.1:8501

From the key that hands the text over to the finished board. The aim is 0.5 s.
"""

import os
import shutil
import statistics
import sys
import time

from playwright.sync_api import sync_playwright

from gptviz.tokenizers import GPT2Tokenizer

TOKENS = 64
RUNS = 5


def main(url: str) -> None:
    """Print each time and the median, in seconds."""
    tokenizer = GPT2Tokenizer()
    told = tokenizer.encode(" there was once a king who had a daughter, and she was fair" * 6)
    texts = [tokenizer.decode([*tokenizer.encode(str(i)), *told][:TOKENS]) for i in range(RUNS)]
    program = os.environ.get("GPTVIZ_CHROMIUM") or shutil.which("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        page.goto(f"{url}/residual?tab=lens")
        box = page.get_by_label("Your text")
        page.locator(".board").wait_for()
        times = []
        for i, text in enumerate(texts):
            box.fill(text)
            started = time.perf_counter()
            box.press("Control+Enter")
            page.locator(".board .column", has_text=f"0{i}").first.wait_for()
            times.append(time.perf_counter() - started)
        browser.close()
    print(f"median {statistics.median(times):.2f} s of {[round(each, 2) for each in times]}")


if __name__ == "__main__":
    main(sys.argv[1].rstrip("/"))
