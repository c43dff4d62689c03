"""What every tokenizer can do: text ⇄ ids, and each id as bytes and as a visible piece."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from gptviz.tokenizers.visible import code_point, visible


class Tokenizer(Protocol):
    """Cuts text into tokens and numbers them; safe to share between threads."""

    @property
    def name(self) -> str:
        """A short name for people: "GPT-2 BPE"."""

    @property
    def vocab_size(self) -> int:
        """How many ids there are: they run from 0 to vocab_size − 1."""

    @property
    def end_of_text(self) -> int | None:
        """The id that ends a document, or None where the vocabulary has no such token."""

    @property
    def begin_of_text(self) -> int | None:
        """The id with which a text may begin; in GPT-2 it is the one that ends a text."""
        return self.end_of_text

    @property
    def begins(self) -> bool:
        """Whether the model was trained on texts that begin with that id."""
        return False

    @property
    def notes(self) -> Sequence[str]:
        """What its files say of a text that is done otherwise here, in sentences."""
        return ()

    def encode(self, text: str) -> list[int]:
        """The ids of a text; the names of special tokens in it are ordinary text.

        Raises ValueError for a lone surrogate, and for a symbol that the vocabulary lacks.
        """

    def encode_special(self, text: str) -> list[int]:
        """The ids of a text in which the name of a special token is that token.

        Raises ValueError as `encode` does.
        """
        named = {name: token for token, name in self.special_tokens.items()}
        if not named:
            return self.encode(text)
        longest_first = sorted(map(re.escape, named), key=len, reverse=True)
        parts = re.split(f"({'|'.join(longest_first)})", text)
        return [
            token
            for part in parts
            for token in ([named[part]] if part in named else self.encode(part))
        ]

    def decode(self, ids: Sequence[int]) -> str:
        """The text of ids, with � for what is no valid UTF-8. Raises ValueError for no such id."""

    def token_bytes(self, token: int) -> bytes:
        """The bytes that one id stands for, in UTF-8. Raises ValueError for no such id."""

    def save(self, folder: Path) -> None:
        """Write the files from which `gptviz.tokenizers.load(folder)` makes this tokenizer."""

    @property
    def special_tokens(self) -> Mapping[int, str]:
        """The ids that stand for an event, such as the end of a text, and their names."""
        return {}

    @property
    def merge_ranks(self) -> Mapping[tuple[bytes, bytes], int]:
        """Which neighbours BPE joins, and how early: 0 is the first merge; empty without BPE."""
        return {}

    def words(self, text: str) -> list[str]:
        """The stretches of text that are cut into tokens each by itself."""
        return [text] if text else []

    def pieces(self, ids: Sequence[int]) -> list[str]:
        """What to show for each id, never empty; ⟨50300⟩ for an id outside the vocabulary."""
        special = self.special_tokens
        shown = []
        for token in ids:
            try:
                shown.append(special.get(token) or visible(self.token_bytes(token)))
            except ValueError:
                shown.append(f"⟨{token}⟩")
        return shown


def require_characters(text: str) -> None:
    """Raise ValueError if the text holds half of a surrogate pair, which no UTF-8 can express."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise ValueError(
            f"position {error.start} of the text holds {code_point(text[error.start])}, a lone "
            f"surrogate, which is no character; remove it"
        ) from None


def no_such_id(token: int, vocab_size: int) -> ValueError:
    """The error for an id that the vocabulary does not have."""
    return ValueError(f"there is no token {token}; the ids run from 0 to {vocab_size - 1}")
