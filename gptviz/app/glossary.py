"""The words of the field: one table, and how a page introduces a word where it first stands."""

import functools
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

# How `term` writes a word; `show.plain` takes it apart again.
MARKED = re.compile(r'\[([^\]]+)\]\(glossary#[\w-]+ "[^"]*"\)')

UNTOUCHED = rf"{MARKED.pattern}|`[^`]*`".replace("(", "(?:", 1)  # in which no word is marked


@dataclass(frozen=True)
class Term:
    """One word: a sentence for anybody, and the fine print."""

    name: str
    sentence: str
    precise: str
    seen: tuple[str, ...]  # pages, as in the address; perhaps ?tab=…
    source: str = ""  # of the published idea

    @property
    def anchor(self) -> str:
        """Where it stands on the page glossary, as Streamlit names a heading."""
        words = re.sub(r"([a-z])([A-Z])", r"\1-\2", self.name)
        return re.sub(r"[^a-z0-9]+", "-", words.lower()).strip("-")


def _terms(table: Mapping[str, Mapping[str, Any]]) -> dict[str, Term]:
    return {name: Term(name, **{**row, "seen": tuple(row["seen"])}) for name, row in table.items()}


_TABLE = Path(__file__).with_suffix(".toml").read_text(encoding="utf-8")
TERMS: Mapping[str, Term] = MappingProxyType(_terms(tomllib.loads(_TABLE)))


def term(name: str, words: str = "") -> str:
    """A word of the glossary as Markdown: its sentence on hover, its entry at a click.

    `words` are shown in place of the name. Mark a word where it first stands on a page, and only
    there. Raises ValueError for one that is not in the glossary.
    """
    if name not in TERMS:
        raise ValueError(f"{name!r} is not in the glossary; add it to glossary.toml")
    found = TERMS[name]
    return f'[{words or name}](glossary#{found.anchor} "{found.sentence}")'


def introduce(text: str, *names: str) -> str:
    """The same Markdown, in which each of these words is marked where it first stands, if it does.

    For sentences that are made of numbers, and read in a notebook too. Code is left alone. Raises
    ValueError for a word that is not in the glossary.
    """
    for name in names:
        word = re.compile(rf"{UNTOUCHED}|(?P<word>(?<![\w-]){re.escape(name)}s?(?![\w-]))", re.I)
        found = next((one for one in word.finditer(text) if one["word"]), None)
        if found:
            text = text[: found.start()] + term(name, found["word"]) + text[found.end() :]
    return text


@functools.lru_cache(1024)
def without_marks(text: str) -> str:
    """A text as it was before `term` marked words in it."""
    return MARKED.sub(r"\1", text)
