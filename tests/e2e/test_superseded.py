"""A prompt that comes while another is computed, with a model that takes as long as a test wants.

The server is the real one. It writes down what it is asked and what it computes, and computes
only while a file named `gate` is there.
"""

import sys
import time
from collections.abc import Callable
from pathlib import Path

SLOW_MODEL = """
import sys, time
from pathlib import Path
from gptviz.cli import main
from gptviz.language_model import LanguageModel
from gptviz.ui import resources

folder = Path(sys.argv.pop(1))
plain_trace, plain_ask = LanguageModel.trace, resources.trace

def write(word, lm, ids):
    with (folder / word).open("a") as file:
        file.write(lm.tokenizer.decode(list(ids)) + "\\n")

def trace(lm, ids, *arguments, **options):
    write("computed", lm, ids)
    while not (folder / "gate").exists():
        time.sleep(0.01)
    return plain_trace(lm, ids, *arguments, **options)

def ask(lm, ids, waiting):
    write("asked", lm, ids)
    return plain_ask(lm, ids, waiting)

LanguageModel.trace, resources.trace = trace, ask
sys.exit(main())
"""
PATIENCE = 90  # seconds


def wait_until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "what the test waits for does not happen"
        time.sleep(0.02)


def test_a_prompt_that_comes_while_an_older_one_waits_replaces_it(
    start_server, visit, expect, tmp_path: Path
):
    def lines(name: str) -> list[str]:
        file = tmp_path / name
        return file.read_text().splitlines() if file.exists() else []

    def type_prompt(page, text: str) -> None:
        box = page.get_by_label("Your text")
        box.fill(text)
        box.press("Control+Enter")

    gate = tmp_path / "gate"
    gate.touch()  # for the warm-up
    command = [sys.executable, "-c", SLOW_MODEL, str(tmp_path), "--no-browser", "--port", "0"]
    with start_server(command) as server:
        one, other = visit(server), visit(server)
        for visitor in (one, other):
            visitor.open("/tokens", model="tiny")
        gate.unlink()
        type_prompt(other.page, "somebody else")
        wait_until(lambda: "somebody else" in lines("computed"))
        for text in ("older", "newer"):
            type_prompt(one.page, text)
            wait_until(lambda asked=text: asked in lines("asked"))
        gate.touch()
        expect(one.page.get_by_role("img", name="The path of 5 tokens")).to_be_visible()
        for visitor in (one, other):
            visitor.settle()
        expect(one.page.get_by_label("Your text")).to_have_value("newer")
    assert [text for text in lines("computed") if text in ("older", "newer")] == ["newer"]
