"""Which tokens of a text the model reads: all of them, or the last ones that fit."""

import codecs
from collections.abc import Sequence
from dataclasses import dataclass, replace

from gptviz.app import visitors
from gptviz.generation import Writer
from gptviz.language_model import LanguageModel
from gptviz.tokenizers import Tokenizer

# A trace grows with the square of the length; this keeps thirty of them in a laptop's memory.
LONGEST_PROMPT = 256  # tokens
LONGEST_TEXT = 20_000  # characters; of a longer text the last ones, so that a book costs nothing


@dataclass(frozen=True)
class Special:
    """What special tokens have to do with a text."""

    begin: tuple[int, ...] = ()  # the one before the text, or none
    named: bool = False  # whether the name of one in the text is that token, and no text

    def in_model(self, lm: LanguageModel) -> "Special":
        """The same choices for another model, which may have another token before a text."""
        begin = lm.tokenizer.begin_of_text if self.begin else None
        return Special(() if begin is None else (begin,), self.named)


@dataclass(frozen=True)
class Reading:
    """A text as a model reads it."""

    text: str
    every: tuple[int, ...]  # its tokens
    longest: int  # how many tokens this model's pages show
    special: Special = Special()

    @property
    def whole(self) -> tuple[int, ...]:
        """All its tokens, with the one before the text."""
        return self.special.begin + self.every

    @property
    def ids(self) -> tuple[int, ...]:
        """The last tokens that fit, which are read; positions count from the first of them."""
        return self.special.begin + self.every[-self._room :]

    @property
    def left_out(self) -> int:
        """How many tokens before them are not read."""
        return max(0, len(self.every) - self._room)

    @property
    def full(self) -> bool:
        """Whether there is no room for another token."""
        return len(self.every) >= self._room

    @property
    def _room(self) -> int:
        return self.longest - len(self.special.begin)


def longest(lm: LanguageModel) -> int:
    """How many tokens the pages show of this model, to this visitor."""
    limits = visitors.limits()
    return min(
        lm.config.block_size, limits.max_prompt if limits else LONGEST_PROMPT, LONGEST_PROMPT
    )


def reading(
    lm: LanguageModel,
    text: str,
    ids: Sequence[int] | None = None,
    special: Special = Special(),
) -> Reading:
    """How a model reads a text.

    ids are the tokens of the text, where they are known: a model may write a word in other pieces
    than its tokenizer cuts. Raises ValueError in words for an empty text, an unknown symbol, and
    a special token that the model has no vector for.
    """
    text = text[-LONGEST_TEXT:]
    if not ids:
        ids = lm.ids(lm.tokenizer.encode_special(text) if special.named else text)
    if special.begin:
        lm.ids(special.begin)
    return Reading(text, tuple(ids), longest(lm), special)


def extended(lm: LanguageModel, read: Reading, token: int) -> Reading:
    """The same text with one more token.

    The text grows by whole characters only: the bytes of one that is not complete stay in the ids
    until its last byte comes. An event such as the end of a text, and an id that the tokenizer
    does not know, are no characters.
    """
    every = (*read.every, token)
    before = _whole(lm.tokenizer, read.every)
    new = _whole(lm.tokenizer, every)[len(before) :]
    return replace(read, text=read.text + new, every=every)


def text_read(tokenizer: Tokenizer, read: Reading) -> str:
    """The part of the text that is read, with � where it begins inside a character."""
    return _whole(tokenizer, read.ids) if read.left_out else read.text


def in_code(tokenizer: Tokenizer, ids: Sequence[int]) -> str | list[int]:
    """What gives these ids in code: their text, or they themselves where it is cut otherwise."""
    text = _whole(tokenizer, ids)
    return text if tokenizer.encode(text) == list(ids) else list(ids)


def unfinished(tokenizer: Tokenizer, ids: Sequence[int]) -> int:
    """How many bytes at the end are only the beginning of a character."""
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    decoder.decode(_bytes(tokenizer, ids))
    return len(decoder.getstate()[0])


def _whole(tokenizer: Tokenizer, ids: Sequence[int]) -> str:
    return codecs.getincrementaldecoder("utf-8")("replace").decode(_bytes(tokenizer, ids))


def _bytes(tokenizer: Tokenizer, ids: Sequence[int]) -> bytes:
    return Writer(tokenizer).bytes_of(ids)
