"""What a page shows as a notebook: each picture's sentence and its code, in one file to keep.

While a page is drawn, `show` notes its pictures here; the notebook itself is made when a reader
asks for it. A part of a page that is drawn by itself (a fragment) notes its pictures again, and
those that it showed before stay.
"""

import functools
import inspect
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import streamlit as st

from gptviz.app.code import Code
from gptviz.app.glossary import without_marks
from gptviz.app.pages import PAGES
from gptviz.app.save import file_name

LABEL = "Notebook of this page"
NOTED = "pictures"  # where a browser's session keeps those of the page that it looks at
NOTHING = "Nothing that has code was open on this page: open a tab with a picture, and ask again."
NEEDS = (
    "The code under every picture that was open. It runs where gptviz is installed and has the "
    "same models and runs."
)


@dataclass
class Noted:
    """The pictures of a page so far, by their keys, and what was last said of one."""

    about: str = ""
    pictures: dict[str, tuple[str, Code]] = field(default_factory=dict)


def button() -> None:
    """Begin to note the pictures of a page, and offer them; call it before any is drawn."""
    noted = st.session_state[NOTED] = Noted()
    name = st.session_state.get("page")
    page = PAGES.get(str(name))
    if page is None or not page.has_code:
        return
    title = f"# {page.title}\n\n{without_marks(page.sentence)}\n\n{NEEDS}"
    st.download_button(
        LABEL,
        data=lambda: notebook(title, noted.pictures.values()),
        file_name=f"{file_name(page.name)}.ipynb",
        mime="application/x-ipynb+json",
        on_click="ignore",
        width="stretch",
        key="notebook",
    )


def tell(about: str) -> None:
    """Note what is said, in Markdown, of the picture whose code comes next."""
    _noted().about = without_marks(about)


def note(key: str, code: Code) -> None:
    """Note a picture's code, with what was said since the one before, or else its function says."""
    noted = _noted()
    noted.pictures[key] = noted.about or _said_by(code.function), code
    noted.about = ""


def notebook(title: str, pictures: Iterable[tuple[str, Code]]) -> bytes:
    """A notebook for Jupyter: a title, and for each picture a sentence and a cell of its code.

    A cell ends with what it has drawn, or else with its table.
    """
    from nbformat import v4, writes

    pictures = list(pictures)  # of a page that may be drawn anew meanwhile
    cells = [v4.new_markdown_cell(title if pictures else f"{title}\n\n{NOTHING}")]
    for about, code in pictures:
        cells += [v4.new_markdown_cell(about), v4.new_code_cell(code.text + code.shown)]
    for i, cell in enumerate(cells):
        cell["id"] = f"cell-{i}"  # the same page gives the same file
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    written: str = writes(v4.new_notebook(cells=cells, metadata={"kernelspec": kernel}))
    return written.encode()


@functools.lru_cache(1024)
def _said_by(function: Callable[..., Any]) -> str:
    meaning = (inspect.getdoc(function) or "").partition("\n\n")[0]
    return f"## `{function.__name__}`\n\n{meaning}"


def _noted() -> Noted:
    found: Noted = st.session_state.setdefault(NOTED, Noted())
    return found
