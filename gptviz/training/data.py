"""From a text to token ids, and what can be said of a text before a run.

Nothing here needs PyTorch: a run that waits for its turn has read its text and stays small.
"""

import hashlib
import re
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

import numpy as np

from gptviz import system, tokenizers
from gptviz.checkpoints import counts
from gptviz.disk import whole_folder, write_bytes
from gptviz.disk_errors import advice, reason
from gptviz.setting import SettingError
from gptviz.tokenizers import Tokenizer
from gptviz.training import kept, prepare, texts
from gptviz.training.config import TokenizerKind, TrainingConfig

LARGEST = 50_000_000  # bytes of a text that is tokenized again at each start of a run
PREVIEW = 600  # characters
FIRST = 100  # tokens
COUNTED_AT_ONCE = 1 << 20  # tokens


@dataclass(frozen=True)
class TextInfo:
    """What can be said of a text before a run."""

    size: int  # bytes
    characters: int
    tokens: int  # counted where the text has up to a megabyte, else estimated
    vocab_size: int  # of the tokenizer that a run on this text would use
    preview: str  # how it begins
    tokenizer: Tokenizer = field(repr=False, compare=False)
    first: tuple[int, ...] = ()  # the ids with which it begins
    ends: int = 0  # how often <|endoftext|> stands in it, as letters or as that token
    estimated: frozenset[str] = frozenset()  # which of these numbers were not counted

    @property
    def train_tokens(self) -> int:
        """How many of its tokens are trained on: the rest is held out."""
        return self.tokens - self.tokens // 10

    def told(self, count: str) -> str:
        """characters or tokens, in words: an estimate says so, and names only its first digits."""
        number = int(getattr(self, count))
        if count not in self.estimated:
            return f"{number:,} {count}"
        return f"about {float(f'{number:.3g}'):,.0f} {count}"


@dataclass(frozen=True)
class Dataset:
    """What a run reads: ids (N,), in memory or mapped from the disk, and their tokenizer."""

    ids: np.ndarray
    tokenizer: Tokenizer
    bytes_per_token: float  # of the text in UTF-8


def check(
    source: texts.Source,
    kind: TokenizerKind = "char",
    bpe_vocab_size: int = 2048,
    end_of_text: bool = False,
) -> TextInfo:
    """Read a text as a run would. Raises OSError or ValueError in words if a run could not.

    source is a file or an upload: it may be empty, too large, binary, not UTF-8, or too short for
    the vocabulary. Or it is a folder with a prepared text, which has its tokenizer.
    """
    if isinstance(source, Path) and source.is_dir():
        return _check_prepared(source, kind, end_of_text)
    require_size(source)
    pieces = texts.characters(source)
    first = next(pieces)
    n_characters, ends = texts.tally(chain([first], pieces), prepare.END_OF_TEXT)
    tokenizer = prepare.tokenizer_for(kind, source, bpe_vocab_size, end_of_text=end_of_text)
    ids = encode(first, tokenizer, end_of_text)
    return TextInfo(
        size=texts.size(source),
        characters=n_characters,
        tokens=round(len(ids) * n_characters / len(first)),
        vocab_size=tokenizer.vocab_size,
        preview=first[:PREVIEW],
        first=tuple(ids[:FIRST].tolist()),
        ends=ends,
        estimated=frozenset({"tokens"} if n_characters > len(first) and kind != "char" else ()),
        tokenizer=tokenizer,
    )


def _check_prepared(folder: Path, kind: TokenizerKind, end_of_text: bool) -> TextInfo:
    about, text = prepare.Prepared.read(folder), open_prepared(folder)
    if kind != about.tokenizer:
        raise ValueError(
            f"{folder.name} was prepared with the tokenizer {about.tokenizer}, not {kind}; choose "
            f"that one, or prepare the text again"
        )
    if end_of_text != about.end_of_text:
        raise SettingError(
            f"{folder.name} was prepared with the ends of its texts as such tokens, so "
            f"{{end_of_text}} must be true; set it so, or prepare the text again"
            if about.end_of_text
            else f"{folder.name} was prepared with the ends of its texts as ordinary text, so "
            f"{{end_of_text}} must be false; set it so, or prepare the text again"
        )
    preview = text.tokenizer.decode(text.ids[:PREVIEW].tolist())
    return TextInfo(
        size=about.bytes,
        characters=round(about.bytes * len(preview) / len(preview.encode())),
        tokens=about.tokens,
        vocab_size=text.tokenizer.vocab_size,
        preview=preview[:PREVIEW],
        first=tuple(text.ids[:FIRST].tolist()),
        estimated=frozenset({"characters"}),
        tokenizer=text.tokenizer,
    )


def require_size(source: texts.Source) -> None:
    """Raise ValueError for a text that is too large to be tokenized at each start of a run."""
    if (size := texts.size(source)) > LARGEST:
        raise ValueError(
            f"{texts.named(source)} has {size / 1e6:.0f} MB; a run reads a text of at most "
            f"{LARGEST / 1e6:.0f} MB, so shorten it, or prepare it with `gptviz prepare`"
        )


def store(content: bytes, name: str) -> Path:
    """Keep an uploaded text, so that a run on it can be resumed at any time.

    It lies there once, under its hash and the part of its name that is safe in a path. Raises
    OSError in words if it cannot be written, or if there is no room for one more.
    """
    folder = kept.folder()
    stem = re.sub("[^A-Za-z0-9_-]+", "-", Path(name).stem).strip("-")[:40] or "text"
    path = folder / f"{stem}-{hashlib.sha256(content).hexdigest()[:16]}.txt"
    if path.is_file():
        return path
    kept.require_room(len(content))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_bytes(path, content)
    except OSError as error:
        raise OSError(
            f"the text could not be kept in {folder} ({reason(error)}); {advice(error)} and try "
            f"again"
        ) from error
    return path


def load(config: TrainingConfig, run_folder: Path) -> Dataset:
    """What a run reads: its text as ids, or a prepared text mapped from the disk.

    The run keeps its tokenizer in run_folder/tokenizer, so that a resume reads instead of
    learning it again. Raises OSError or ValueError in words if the text cannot be used.
    """
    source, kept = Path(config.data), run_folder / prepare.TOKENIZER
    if source.is_dir():
        return open_prepared(source)
    require_size(source)
    if not kept.is_dir():
        made = prepare.tokenizer_for(
            config.tokenizer, source, config.bpe_vocab_size, end_of_text=config.end_of_text
        )
        keep_tokenizer(made, run_folder)
    return read(source, tokenizers.load(kept), config.end_of_text)


def open_prepared(folder: Path) -> Dataset:
    """A text that `gptviz prepare` tokenized. Raises FileNotFoundError or ValueError in words."""
    about, ids = prepare.Prepared.read(folder), prepare.open_ids(folder)
    return Dataset(ids, tokenizers.load(folder / prepare.TOKENIZER), about.bytes / about.tokens)


def read(source: texts.Source, tokenizer: Tokenizer, end_of_text: bool = False) -> Dataset:
    """A text as ids in memory. Raises OSError or ValueError in words if it cannot be read."""
    parts = list(prepare.encode(texts.characters(source), tokenizer, end_of_text))
    ids = np.concatenate([ids for ids, _ in parts])
    return Dataset(ids, tokenizer, sum(n_bytes for _, n_bytes in parts) / len(ids))


def keep_tokenizer(tokenizer: Tokenizer, run_folder: Path) -> None:
    """Write run_folder/tokenizer, whole or not at all."""
    with whole_folder(run_folder / prepare.TOKENIZER) as partial:
        tokenizer.save(partial)


def encode(text: str, tokenizer: Tokenizer, end_of_text: bool = False) -> np.ndarray:
    """The whole text as one row of token ids, (N,), in as few bytes each as do."""
    parts = [ids for ids, _ in prepare.encode([text], tokenizer, end_of_text)]
    return np.concatenate(parts) if parts else np.empty(0, prepare.narrowest(tokenizer))


def split(ids: np.ndarray, block_size: int) -> tuple[np.ndarray, np.ndarray]:
    """Hold out the last tenth for validation: it is never trained on.

    Raises ValueError if either part is shorter than one window of block_size + 1 tokens.
    """
    n_held_out = len(ids) // 10
    if n_held_out < block_size + 1:
        raise SettingError(
            f"{len(ids)} tokens are too few: the last tenth must hold one window of "
            f"{block_size + 1} tokens; use a longer text or a {{block_size}} below {n_held_out}"
            if n_held_out > 1
            else f"{len(ids)} tokens are too few: the last tenth must hold one window of "
            f"{block_size + 1} tokens; use a longer text"
        )
    return ids[:-n_held_out], ids[-n_held_out:]


def keep_counts(train_ids: np.ndarray, tokenizer: Tokenizer, run_folder: Path) -> None:
    """Write run_folder/token_counts.npz, once: it says which tokens the run's models hardly saw.

    Raises OSError in words if it cannot be written, ValueError as `count` does.
    """
    path = run_folder / counts.FILE
    if not path.exists():
        write_bytes(path, counts.packed(count(train_ids, tokenizer.vocab_size)))


def count(ids: np.ndarray, vocab_size: int) -> np.ndarray:
    """How often each id of a vocabulary occurs, (vocab_size,). Raises ValueError for any other."""
    found = np.zeros(vocab_size, dtype=np.int64)
    for first in range(0, len(ids), COUNTED_AT_ONCE):
        part = ids[first : first + COUNTED_AT_ONCE]
        if (largest := part.max()) >= vocab_size:
            raise ValueError(
                f"the text holds the token {largest}, and its tokenizer knows only {vocab_size}; "
                f"prepare the text again"
            )
        found += np.bincount(part, minlength=vocab_size)
        if isinstance(ids, np.memmap):  # what was read of the file need not stay in memory
            system.forget_what_was_read(ids._mmap)  # type: ignore[attr-defined]
    return found


def bytes_per_token(ids: np.ndarray, tokenizer: Tokenizer) -> float:
    """How many bytes of text in UTF-8 stand behind one of these tokens, on average."""
    found = count(ids, tokenizer.vocab_size)
    total = sum(int(found[i]) * len(tokenizer.token_bytes(int(i))) for i in np.flatnonzero(found))
    return total / len(ids)
