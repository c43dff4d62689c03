"""The lines of Python behind a picture: they run as they stand, and give the numbers it shows."""

import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from gptviz import checkpoints
from gptviz.language_model import LanguageModel
from gptviz.runs import Run

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Code:
    """Lines that make the table of a picture, and the function that they call for it.

    The function is imported for them; one line gives `table`, and the last one `figure` if they
    draw it, too.
    """

    function: Callable[..., Any]
    lines: tuple[str, ...]

    def drawn(self, builder: Callable[..., Any], arguments: str = "table", *lines: str) -> "Code":
        """The same, and how it is drawn: `figure` is what a builder makes of what there is by then.

        arguments are written as in Python, without the colours, which are the light ones; lines
        come before the call.
        """
        call = f"{_module(builder)}.{builder.__name__}({arguments}, scheme='light')"
        return self._with(builder, *lines, f"figure = {call}")

    def drawn_as(
        self, builder: Callable[..., Any], calls: Mapping[str, str], *lines: str
    ) -> "Code":
        """The same for several figures by their titles, each written as it is made."""
        written = [f"    {title!r}: {call}," for title, call in calls.items()]
        return self._with(builder, *lines, "figures_by_title = {", *written, "}")

    def drawn_by_hand(self, picture: str, arguments: str) -> "Code":
        """The same, drawn by one of the scripts of the app, as `gptviz.show` does."""
        return replace(self, lines=(*self.lines, f"figure = gptviz.show.{picture}({arguments})"))

    def _with(self, builder: Callable[..., Any], *lines: str) -> "Code":
        folder = builder.__module__.rpartition(".")[0]
        needed = f"from {folder} import {_module(builder)}"
        return replace(self, lines=(*self.lines, needed, *lines))

    @property
    def shown(self) -> str:
        """The last line of a cell of a notebook, which shows what the lines have made."""
        if any(line.startswith("figures_by_title = ") for line in self.lines):
            return "display(*figures_by_title.values())"
        return "figure" if self.lines[-1].startswith("figure = ") else "table"

    @property
    def where(self) -> str:
        """The function's name, its file and its line."""
        return _where(self.function)

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


@functools.lru_cache(1024)
def _where(called: Callable[..., Any]) -> str:
    function = inspect.unwrap(called)
    file = Path(inspect.getfile(function)).relative_to(ROOT).as_posix()
    return f"{called.__qualname__} in {file}, line {function.__code__.co_firstlineno}"


def _module(builder: Callable[..., Any]) -> str:
    return builder.__module__.rpartition(".")[2]


def _order(line: str) -> tuple[bool, str]:
    return line.startswith("from "), line
