"""A text of any length, read a piece at a time."""

import codecs
import io
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

CHUNK = 1 << 20  # bytes read at once
LONGEST_WORD = 16 * CHUNK  # characters without a gap between words, which have to be held at once
# The end of what a gap follows, as late in the text as possible.
_BEFORE_THE_LAST_GAP = re.compile(r"(?s).*\S(?=[ \n])")

Source = Path | bytes


def named(source: Source) -> str:
    """What an error calls the text."""
    return source.name if isinstance(source, Path) else "the text"


def size(source: Source) -> int:
    """How many bytes it has. Raises FileNotFoundError if there is no such file."""
    if isinstance(source, bytes):
        return len(source)
    if not source.is_file():
        raise FileNotFoundError(f"there is no text file at {source}; check the path")
    return source.stat().st_size


def characters(source: Source) -> Iterator[str]:
    """The characters of a UTF-8 text in pieces, all line ends as newlines.

    Raises FileNotFoundError if there is no such file, ValueError for a file that is not UTF-8
    (at which byte), for a binary file, and for a text without any word.
    """
    size(source)
    opened = source.open("rb") if isinstance(source, Path) else io.BytesIO(source)
    decoder = io.IncrementalNewlineDecoder(codecs.getincrementaldecoder("utf-8")(), translate=True)
    done, has_words = 0, False
    with opened as file:
        while chunk := file.read(CHUNK):
            text = _decode(decoder, chunk, done, source)
            if not done:
                text = text.removeprefix("\ufeff")  # with which some editors begin a UTF-8 text
            if (zero := chunk.find(0)) >= 0:
                raise ValueError(
                    f"{named(source)} holds a zero (byte {done + zero}), as only binary files do; "
                    f"choose a text file"
                )
            done += len(chunk)
            has_words = has_words or bool(text.strip())
            yield text
        yield _decode(decoder, b"", done, source)
    if not has_words:
        raise ValueError(f"{named(source)} holds no text; training needs something to read")


def tally(pieces: Iterable[str], sign: str) -> tuple[int, int]:
    """How many characters a text in pieces has, and how often a sign stands in it."""
    length, found, rest = 0, 0, ""
    for piece in pieces:
        length += len(piece)
        text = rest + piece  # the sign may be cut in two
        found += text.count(sign)
        rest = text[max(0, len(text) - len(sign) + 1) :]
    return length, found


def _decode(decoder: io.IncrementalNewlineDecoder, chunk: bytes, done: int, source: Source) -> str:
    try:
        return decoder.decode(chunk, final=not chunk)
    except UnicodeDecodeError as error:
        held_over = len(error.object) - len(chunk)  # the beginning of a character, from before
        at = done - held_over + error.start
        if at == 0 and chunk.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            way_out = "it looks like UTF-16, so save it as UTF-8 and try again"
        elif 0 in chunk:
            way_out = "it looks like a picture, a program or an archive, so choose a text file"
        else:
            way_out = "save it as UTF-8 and try again"
        raise ValueError(
            f"{named(source)} is not UTF-8 text: byte {at} cannot be read; {way_out}"
        ) from error


def whole_words(texts: Iterable[str]) -> Iterator[str]:
    """The same text, cut only where a byte-level tokenizer cuts in any case.

    That is before a space or a newline which follows anything but white space: there a word
    ends, whatever comes next, and the pattern that finds words looks behind nowhere. So the
    tokens of the pieces are the tokens of the whole. Raises ValueError for a stretch of more
    than LONGEST_WORD characters without such a place.
    """
    rest = ""
    for text in texts:
        rest += text
        if end := _BEFORE_THE_LAST_GAP.match(rest):
            yield rest[: end.end()]
            rest = rest[end.end() :]
        elif len(rest) > LONGEST_WORD:
            raise ValueError(
                f"more than {LONGEST_WORD} characters stand here without a space or a line end "
                f"between words; put some in, or use the tokenizer for characters"
            )
    if rest:
        yield rest
