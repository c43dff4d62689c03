"""A text as token ids on disk, for training on more than the memory holds.

FOLDER/tokens.bin      the ids, two bytes each, or four for a vocabulary of more than 65,536
FOLDER/prepared.json   how many there are, and what they were made from
FOLDER/tokenizer/      the tokenizer
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from gptviz import tokenizers
from gptviz.disk import LARGEST_JSON, flush, read_regular, whole_folder, write_json
from gptviz.disk_errors import advice, reason
from gptviz.setting import SettingError
from gptviz.tokenizers import CharacterTokenizer, GPT2Tokenizer, Tokenizer
from gptviz.tokenizers.gpt2 import END_OF_TEXT
from gptviz.tokenizers.trained import encoder, train_bpe
from gptviz.training import texts

if TYPE_CHECKING:
    from gptviz.training.config import TokenizerKind  # needs PyTorch, which takes longer than this

TOKENS, ABOUT, TOKENIZER = "tokens.bin", "prepared.json", "tokenizer"
# The end of a text, and the line ends around it, which only separate it.
_END = re.compile(rf"\n*{re.escape(END_OF_TEXT)}\n*")
LEARNT_FROM = 16  # pieces of a megabyte, at most, from which a BPE is trained


@dataclass(frozen=True)
class Prepared:
    """What prepared.json holds."""

    tokens: int
    bytes: int  # of the text in UTF-8
    tokenizer: "TokenizerKind"
    text: str  # the file's name
    end_of_text: bool = False  # whether <|endoftext|> in it became that token

    @classmethod
    def read(cls, folder: Path) -> "Prepared":
        """Raises FileNotFoundError if no text was prepared there, ValueError if it is broken."""
        path = folder / ABOUT
        try:
            return cls(**json.loads(read_regular(path, LARGEST_JSON).decode("utf-8-sig")))
        except FileNotFoundError:
            raise FileNotFoundError(
                f"{folder} is a folder, and no text that was prepared: it holds no {ABOUT}; "
                f"make one with `gptviz prepare TEXT FOLDER`"
            ) from None
        except (ValueError, TypeError) as error:
            raise ValueError(f"{path} cannot be read ({error}); prepare the text again") from error


def open_ids(folder: Path) -> np.ndarray:
    """The ids of a prepared text, (N,), mapped: what is read of them comes from the disk.

    Raises FileNotFoundError or ValueError if the folder holds no whole prepared text.
    """
    about, path = Prepared.read(folder), folder / TOKENS
    dtype = narrowest(tokenizers.load(folder / TOKENIZER))
    size = path.stat().st_size if path.is_file() else 0
    if size != about.tokens * dtype.itemsize:
        raise ValueError(
            f"{path} has {size} bytes and should have {about.tokens * dtype.itemsize}; "
            f"prepare the text again"
        )
    return np.memmap(path, dtype, mode="r")


def narrowest(tokenizer: Tokenizer) -> np.dtype:
    """The type of an id on disk and in memory."""
    return np.dtype("<u2" if tokenizer.vocab_size <= 2**16 else "<u4")


def tokenizer_for(
    kind: "TokenizerKind",
    source: texts.Source,
    bpe_vocab_size: int = 2048,
    show_progress: bool = False,
    end_of_text: bool = False,
) -> Tokenizer:
    """GPT-2's own tokenizer, or one that is made from the text: its characters, or a BPE.

    With end_of_text, a BPE is not trained on the signs for the end of a text. Raises OSError or
    ValueError for a text that cannot be read or cannot fill the vocabulary, and for characters
    with end_of_text, which is not a character.
    """
    if kind == "gpt2":
        return GPT2Tokenizer()
    if kind == "char":
        if end_of_text:
            raise SettingError(
                f"a tokenizer of characters has no token {END_OF_TEXT}; take a BPE as "
                f"{{tokenizer}}, or leave {{end_of_text}} out"
            )
        return CharacterTokenizer(sorted(set().union(*texts.characters(source))))
    pieces = _spread(source)
    if end_of_text:
        pieces = (_END.sub("\n\n", piece) for piece in pieces)
    return train_bpe(pieces, bpe_vocab_size, show_progress)


def _spread(source: texts.Source) -> Iterator[str]:
    """At most LEARNT_FROM pieces from all over the text: a vocabulary needs no more."""
    every = max(1, -(-texts.size(source) // (LEARNT_FROM * texts.CHUNK)))
    for i, piece in enumerate(texts.whole_words(texts.characters(source))):
        if i % every == 0:
            yield piece


def encode(
    pieces: Iterable[str], tokenizer: Tokenizer, end_of_text: bool = False
) -> Iterator[tuple[np.ndarray, int]]:
    """The ids of a text that comes in pieces, and the bytes in UTF-8 that they stand for.

    With end_of_text, <|endoftext|> becomes that token, together with the line ends around it.
    Raises ValueError if the tokenizer has none.
    """
    if not isinstance(tokenizer, CharacterTokenizer):  # which may be cut anywhere
        pieces = texts.whole_words(pieces)
    dtype, encoded = narrowest(tokenizer), encoder(tokenizer)
    if not end_of_text:
        for piece in pieces:
            yield np.array(encoded(piece), dtype), len(piece.encode())
        return
    if tokenizer.end_of_text is None:
        raise ValueError(f"the tokenizer {tokenizer.name} has no token {END_OF_TEXT}")
    end = np.array([tokenizer.end_of_text], dtype)
    after_end = False  # a piece may begin with the line ends that follow one
    for piece in pieces:
        first, *others = _END.split(piece.lstrip("\n") if after_end else piece)
        ids = [np.array(encoded(first), dtype)]
        for text in others:
            ids += [end, np.array(encoded(text), dtype)]
        after_end = not text if others else after_end and not first
        yield np.concatenate(ids), len(piece.encode())


def prepare(
    text: Path,
    folder: Path,
    kind: "TokenizerKind",
    bpe_vocab_size: int = 2048,
    on_bytes: Callable[[int], None] = lambda n: None,
    show_progress: bool = False,
    end_of_text: bool = False,
) -> Prepared:
    """Tokenize a text into a folder, which appears only when it is whole.

    The text is never held as a whole. on_bytes gets the bytes of each piece that is done.
    Raises FileExistsError if the folder holds something, OSError in words if the disk is full,
    and ValueError for a file that is not a text.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise FileExistsError(f"{folder} already holds something; choose another folder")
    tokenizer = tokenizer_for(kind, text, bpe_vocab_size, show_progress, end_of_text)
    try:
        with whole_folder(folder) as partial:
            tokenizer.save(partial / TOKENIZER)
            n_tokens = n_bytes = 0
            with (partial / TOKENS).open("wb") as file:
                for ids, size in encode(texts.characters(text), tokenizer, end_of_text):
                    file.write(ids.data)
                    n_tokens, n_bytes = n_tokens + len(ids), n_bytes + size
                    on_bytes(size)
            flush(partial / TOKENS)
            about = Prepared(n_tokens, n_bytes, kind, text.name, end_of_text)
            write_json(partial / ABOUT, asdict(about))
    except OSError as error:
        raise OSError(
            f"{folder} could not be written ({reason(error)}); nothing is left of it, "
            f"so {advice(error)} or choose another folder"
        ) from error
    return about
