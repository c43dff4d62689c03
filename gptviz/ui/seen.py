"""How the page marks tokens whose vectors say little: the model has hardly seen them."""

import pandas as pd

from gptviz.analysis import embeddings
from gptviz.analysis.embeddings import Word
from gptviz.analysis.token_counts import HARDLY_SEEN, times_seen
from gptviz.language_model import LanguageModel


def hover(table: pd.DataFrame) -> list[str]:
    """What each token of a table says when it is pointed at: piece, positions, times seen."""
    places = table["positions"] if "positions" in table else [""] * len(table)
    seen = table["seen"] if "seen" in table else [None] * len(table)
    held = ["" if times is None else f", {times:,} × in the training text" for times in seen]
    return [
        f"{place} {token}".strip() + times
        for place, token, times in zip(places, table["token"], held, strict=True)
    ]


def faint(table: pd.DataFrame) -> list[bool]:
    """Which rows of a table the model has hardly seen; none where that is not known."""
    return table["hardly_seen"].tolist() if "hardly_seen" in table else [False] * len(table)


def legend(lm: LanguageModel, mark: str) -> str:
    """What the mark of hardly seen tokens means; nothing where that is not known."""
    if times_seen(lm) is None:
        return ""
    return f"{mark}: tokens that the training text holds fewer than {HARDLY_SEEN} times."


def is_rare(lm: LanguageModel, word: Word) -> bool:
    """Whether it is known that the model has hardly seen one of the word's tokens."""
    seen = embeddings.seen_least(lm, word)
    return seen is not None and seen < HARDLY_SEEN


def about(lm: LanguageModel, word: Word) -> str:
    """What to know of a word before its vector is trusted."""
    seen = embeddings.seen_least(lm, word)
    split = f"Its {len(word.ids)} tokens are shown by the **mean** of their vectors. "
    split *= word.several
    if seen is None:
        return split
    times = (
        f"The training text holds {'its rarest token' if word.several else 'it'} {seen:,} times. "
    )
    warning = (
        "⚠ **Hardly seen**: such a vector has had little chance to mean anything, and lies near "
        "other rare tokens, whatever they are."
    )
    return f"{split}{times}{warning * is_rare(lm, word)}"
