"""The lines of Python behind a picture: they run as they stand, and give the numbers it shows."""

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gptviz import checkpoints
from gptviz.language_model import LanguageModel
from gptviz.runs import Run

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Code:
    """Lines that make the table of a picture, and the function that they call for it.

    The function is imported for them; the last line gives `table`.
    """

    function: Callable[..., Any]
    lines: tuple[str, ...]

    @property
    def where(self) -> str:
        """The function's name, its file and its line."""
        function = inspect.unwrap(self.function)
        file = Path(inspect.getfile(function)).relative_to(ROOT).as_posix()
        line = function.__code__.co_firstlineno
        return f"{self.function.__qualname__} in {file}, line {line}"

    @property
    def text(self) -> str:
        """All lines, as they run in a notebook."""
        own = f"from {self.function.__module__} import {self.function.__name__}"
        imports = [line for line in self.lines if line.startswith(("import ", "from "))]
        rest = [line for line in self.lines if line not in imports]
        if any("gptviz." in line for line in rest):
            imports.append("import gptviz")
        return "\n".join([*sorted({own, *imports}, key=_order), "", *rest]) + "\n"


def of_prompt(
    lm: LanguageModel, prompt: str | Sequence[int], function: Callable[..., Any], *lines: str
) -> Code:
    """Lines that begin with a model and what happens in it: they may use `lm` and `trace`."""
    setup = [f"lm = gptviz.load({lm.name!r})"]
    if any("trace" in line for line in lines):
        setup.append(f"trace = lm.trace({prompt!r})")
    return Code(function, (*setup, *lines))


def of_run(run: Run, function: Callable[..., Any], *lines: str) -> Code:
    """Lines that begin with a training run: they may use `run`."""
    imports, written = found_again(run)
    return Code(function, (*imports, f"run = {written}", *lines))


def found_again(run: Run) -> tuple[tuple[str, ...], str]:
    """The imports and the expression that give a run of this machine again."""
    find = "from gptviz.jobs import find_run"
    folder = run.folder.parent
    if folder == checkpoints.root():
        return (find,), f"find_run({run.id!r})"
    root = f"checkpoints.root() / {folder.name!r}"
    return ("from gptviz import checkpoints", find), f"find_run({run.id!r}, {root})"


def _order(line: str) -> tuple[bool, str]:
    return line.startswith("from "), line
