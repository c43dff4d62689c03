"""How the page marks tokens whose vectors say little: the model has hardly seen them."""

from typing import Literal

import pandas as pd

from gptviz.language_model import LanguageModel
from gptviz.subjects.embeddings import analysis as embeddings
from gptviz.subjects.embeddings.analysis import Word
from gptviz.token_counts import HARDLY_SEEN, times_seen

FEW = f"tokens that the training text holds fewer than {HARDLY_SEEN} times."
LEGENDS = {"hatched": f"Hatched: {FEW}", "hollow": f"Hollow: {FEW}", "⚠": f"⚠: {FEW}"}
WARNING = (
    "⚠ **Hardly seen**: such a vector has had little chance to mean anything, and lies near "
    "other rare tokens, whatever they are."
)


def hover(table: pd.DataFrame) -> list[str]:
    """What each token of a table says when it is pointed at: piece, positions, times seen."""
    places = table["positions"] if "positions" in table else [""] * len(table)
    seen = table["seen"] if "seen" in table else [None] * len(table)
    names = [
        f"{place} {token}".strip() for place, token in zip(places, table["token"], strict=True)
    ]
    return [
        name if times is None else f"{name}, {times:,} × in the training text"
        for name, times in zip(names, seen, strict=True)
    ]


def faint(table: pd.DataFrame) -> list[bool]:
    """Which rows of a table the model has hardly seen; none where that is not known."""
    return table["hardly_seen"].tolist() if "hardly_seen" in table else [False] * len(table)


def legend(lm: LanguageModel, mark: Literal["hatched", "hollow", "⚠"]) -> str:
    """What the mark of hardly seen tokens means; nothing where that is not known."""
    return "" if times_seen(lm) is None else LEGENDS[mark]


def is_rare(lm: LanguageModel, word: Word) -> bool:
    """Whether it is known that the model has hardly seen one of the word's tokens."""
    seen = embeddings.seen_least(lm, word)
    return seen is not None and seen < HARDLY_SEEN


def about(lm: LanguageModel, word: Word) -> str:
    """What to know of a word before its vector is trusted."""
    seen = embeddings.seen_least(lm, word)
    sentences = []
    if word.several:
        sentences.append(f"Its {len(word.ids)} tokens are shown by the **mean** of their vectors.")
    if seen is not None and word.several:
        sentences.append(f"The training text holds its rarest token {seen:,} times.")
    elif seen is not None:
        sentences.append(f"The training text holds it {seen:,} times.")
    if is_rare(lm, word):
        sentences.append(WARNING)
    return " ".join(sentences)
