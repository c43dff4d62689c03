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
from gptviz.app import look

folder = Path(sys.argv.pop(1))
plain_trace, plain_ask = LanguageModel.trace, look.trace

def write(word, lm, ids):
    with (folder / word).open("a") as file:
        file.write(lm.tokenizer.decode(list(ids)) + "\\n")

def trace(lm, ids, *arguments, **options):
    write("computed", lm, ids)
    while not (folder / "gate").exists():
        time.sleep(0.01)
    return plain_trace(lm, ids, *arguments, **options)

def ask(lm, ids):
    write("asked", lm, ids)
    return plain_ask(lm, ids)

LanguageModel.trace, look.trace = trace, ask
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
        box.press("Enter")

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
        for visitor in (one, other):
            visitor.may_find_no_server = True  # it ends here, and they look on
    assert [text for text in lines("computed") if text in ("older", "newer")] == ["newer"]


def test_letters_that_are_typed_while_the_server_computes_are_neither_lost_nor_moved(
    start_server, visit, expect, tmp_path: Path
):
    def asked() -> list[str]:
        file = tmp_path / "asked"
        return file.read_text().splitlines() if file.exists() else []

    gate = tmp_path / "gate"
    gate.touch()  # for the warm-up
    command = [sys.executable, "-c", SLOW_MODEL, str(tmp_path), "--no-browser", "--port", "0"]
    with start_server(command) as server:
        visitor = visit(server)
        page = visitor.open("/tokens", model="tiny", prompt="k")
        box = page.get_by_label("Your text")
        gate.unlink()
        box.press("End")
        page.keyboard.type("ing")
        wait_until(lambda: "king" in asked())
        page.keyboard.type(" and")  # goes to a server that is busy
        box.press("Home")
        page.keyboard.type("the ")  # is not gone yet when the answer about "king" comes
        gate.touch()
        expect(page.get_by_role("img", name="The path of 12 tokens")).to_be_visible()
        visitor.settle()
        expect(box).to_have_value("the king and")
        assert box.evaluate("box => box.selectionStart") == 4
        visitor.may_find_no_server = True  # it ends here, and they look on
