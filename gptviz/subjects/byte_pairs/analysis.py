"""A BPE learnt from a text: its merges with their counts, each size of it, and what it lacks."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from gptviz.tokenizers import (
    CharacterTokenizer,
    GPT2Tokenizer,
    HuggingFaceTokenizer,
    Tokenizer,
    visible,
)
from gptviz.tokenizers.base import require_characters
from gptviz.tokenizers.trained import SMALLEST, encoder, first_merges, train_largest_bpe
from gptviz.tokenizers.visible import code_point

AT_ONCE = 100_000  # characters, about, that are cut before the progress is told
MOST_POINTS = 80  # of the curve, besides ROUND
ROUND = (300, 400, 512, 1024, 2048, 4096, 8192, 16_000, 24_000, 32_000, 50_257)
LOST = "�"  # what Unicode has for a character that is not known
# The words of a text are the same if it is parted where a gap begins.
_GAP = re.compile(r"(?<=\S)[ \n]")


@dataclass(frozen=True, eq=False)
class Learnt:
    """What was learnt from a text, up to the largest vocabulary that it fills."""

    bpe: HuggingFaceTokenizer
    joined: np.ndarray  # (merges,): how often each merge joins two neighbours of the text
    length: int  # of the text, in characters
    n_bytes: int  # of the text in UTF-8
    characters: CharacterTokenizer  # one token for each letter of the text
    gpt2: int  # tokens that GPT-2's own vocabulary makes of the text

    @property
    def largest(self) -> int:
        """The largest vocabulary: 256 bytes, the merges, and the end of a text."""
        return self.bpe.vocab_size

    def tokens(self, size: int) -> int:
        """Into how many tokens a vocabulary of this size cuts the text: each join saves one."""
        return self.n_bytes - int(self.joined[: max(0, size - SMALLEST)].sum())

    def of_size(self, size: int) -> HuggingFaceTokenizer:
        """The tokenizer with a vocabulary of this size. Raises ValueError for a larger one."""
        return first_merges(self.bpe, size)


def learn(text: str, progress: Callable[[int, int], None] = lambda done, whole: None) -> Learnt:
    """Learn all pairs that stand side by side twice, the commonest first (Sennrich et al., 2016).

    progress is told how much is done, and of how much. Raises ValueError for an empty text and for
    a lone surrogate.
    """
    if not text:
        raise ValueError("there is no text to learn from yet; type or paste one")
    require_characters(text)
    parts = list(_parts(text))
    progress(0, 2 * len(parts))
    bpe = train_largest_bpe(parts)
    cut, cut_by_gpt2 = encoder(bpe), GPT2Tokenizer().encode
    counts, gpt2 = np.zeros(bpe.vocab_size, int), 0
    for i, part in enumerate(parts):
        progress(len(parts) + i, 2 * len(parts))
        counts += np.bincount(cut(part), minlength=bpe.vocab_size)
        gpt2 += len(cut_by_gpt2(part))
    # Whatever holds a token was made from it: the count of each goes to the two that it joins.
    ids = {bpe.token_bytes(token): token for token in range(bpe.vocab_size - 1)}
    made = zip(bpe.merge_ranks, range(256, bpe.vocab_size - 1), strict=True)
    for (left, right), token in reversed(list(made)):
        counts[ids[left]] += counts[token]
        counts[ids[right]] += counts[token]
    characters = CharacterTokenizer.from_text(text)
    return Learnt(bpe, counts[256:-1], len(text), len(text.encode()), characters, gpt2)


def sizes(learnt: Learnt) -> pd.DataFrame:
    """The tokens of the text at sizes of the vocabulary from bytes alone to the largest.

    Columns: vocabulary; tokens; characters per token; joined, how often the last merge joins two
    neighbours, missing where there is none.
    """
    drawn = np.geomspace(SMALLEST, learnt.largest, MOST_POINTS).round().astype(int).tolist()
    chosen = sorted({*drawn, *(size for size in ROUND if size <= learnt.largest)})
    tokens = np.array([learnt.tokens(size) for size in chosen])
    table = pd.DataFrame(
        {
            "vocabulary": chosen,
            "tokens": tokens,
            "characters per token": learnt.length / tokens,
            "joined": [
                learnt.joined[size - SMALLEST - 1] if size > SMALLEST else None for size in chosen
            ],
        }
    )
    return table.astype({"joined": "Int64"})


def merges(learnt: Learnt) -> pd.DataFrame:
    """The merges in the order in which they were learnt: rank, left, right, merged, joined, tokens.

    joined is how often the merge joins two neighbours of the text, tokens how many there are then.
    """
    pairs = list(learnt.bpe.merge_ranks)
    return pd.DataFrame(
        {
            "rank": range(len(pairs)),
            "left": [visible(left) for left, _ in pairs],
            "right": [visible(right) for _, right in pairs],
            "merged": [visible(left + right) for left, right in pairs],
            "joined": learnt.joined,
            "tokens": learnt.n_bytes - learnt.joined.cumsum(),
        }
    )


def letters(tokenizer: Tokenizer, text: str) -> pd.DataFrame:
    """Into how many tokens each letter falls, under a tokenizer and under GPT-2's.

    Columns: position, letter, code point, bytes, own and GPT-2 (how many tokens hold a part of the
    letter; a letter that shares one with its neighbours has 1). Raises ValueError for no text.
    """
    if not text:
        raise ValueError("there are no letters to cut; type some")
    return pd.DataFrame(
        {
            **_named(text),
            "own": torn(tokenizer, text),
            "GPT-2": torn(GPT2Tokenizer(), text),
        }
    )


def torn(tokenizer: Tokenizer, text: str) -> np.ndarray:
    """How many tokens hold a part of each character of a text, from 1 on."""
    ids = tokenizer.encode(text)
    token_ends = np.cumsum([len(tokenizer.token_bytes(token)) for token in ids])
    ends = np.cumsum([len(character.encode()) for character in text])
    starts = np.concatenate([[0], ends[:-1]])
    first, last = (np.searchsorted(token_ends, at, "right") for at in (starts, ends - 1))
    return last - first + 1


def unknown(characters: CharacterTokenizer, bpe: Tokenizer, text: str) -> pd.DataFrame:
    """What becomes of each letter in a tokenizer of characters, and in one of bytes.

    Columns: position, letter, code point, bytes, id (among the characters; missing where it is
    unknown) and tokens (of the bytes: the ids of all that hold a part of the letter). Raises
    ValueError for no text.
    """
    if not text:
        raise ValueError("there are no letters to look for; type some")
    known = {character: i for i, character in enumerate(characters.characters)}
    ids = bpe.encode(text)
    owners = np.repeat(range(len(ids)), [len(bpe.token_bytes(token)) for token in ids])
    ends = np.cumsum([len(character.encode()) for character in text])
    held = np.split(owners, ends[:-1])
    table = pd.DataFrame(
        {
            **_named(text),
            "id": [known.get(character) for character in text],
            "tokens": [" ".join(str(ids[i]) for i in np.unique(part)) for part in held],
        }
    )
    return table.astype({"id": "Int64"})


def comes_back(characters: CharacterTokenizer, text: str) -> str:
    """A text after it went through a tokenizer of characters with one token for all unknown."""
    known = set(characters.characters)
    return "".join(character if character in known else LOST for character in text)


def beginning(text: str, longest: int) -> str:
    """The first words of a text, of at most so many characters, or a part of a longer word."""
    if len(text) <= longest:
        return text
    gaps = [gap.start() for gap in _GAP.finditer(text, 0, longest + 1)]
    return text[: gaps[-1]] if gaps else text[:longest]


def _named(text: str) -> dict[str, Sequence[object]]:
    return {
        "position": range(len(text)),
        "letter": [visible(character.encode()) for character in text],
        "code point": [code_point(character) for character in text],
        "bytes": [character.encode().hex(" ").upper() for character in text],
    }


def _parts(text: str) -> Iterator[str]:
    start = 0
    while gap := _GAP.search(text, start + AT_ONCE):
        yield text[start : gap.start()]
        start = gap.start()
    yield text[start:]
