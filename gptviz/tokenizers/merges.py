"""Byte-pair encoding replayed (Sennrich et al., 2016): how the bytes of a word become tokens."""

from dataclasses import dataclass
from itertools import pairwise

from gptviz.quoting import cut
from gptviz.tokenizers.base import Tokenizer
from gptviz.tokenizers.visible import visible

LONGEST_WORD = 256  # bytes; the replay writes the whole word out at every step


@dataclass(frozen=True)
class MergeStep:
    """The parts of a word after one merge; before the first, its single bytes."""

    parts: tuple[bytes, ...]
    merged: bytes | None = None  # what this step made of two neighbours
    rank: int | None = None  # the merge's place in the order of learning, from 0


def merge_steps(tokenizer: Tokenizer, word: str) -> list[MergeStep]:
    """Every merge of one word, from its bytes to its tokens.

    Each step joins the two neighbours whose merge was learnt first, the leftmost where there
    are several. Raises ValueError if the tokenizer has no merges of bytes, for an empty word, a
    long one, and for a text that is cut into several words before any merge.
    """
    words = split_words(tokenizer, word)
    if not words:
        raise ValueError("an empty text has no bytes to merge; type a word")
    if len(words) > 1:
        pieces = [cut(visible(part.encode()), 20) for part in words[:5]]
        some = " ".join(pieces) + " …" * (len(words) > 5)
        raise ValueError(
            f"this text is cut into {len(words)} words before any merge: {some}; choose one of them"
        )
    data = words[0].encode()
    if len(data) > LONGEST_WORD:
        raise ValueError(
            f"a word of {len(data)} bytes is too long to replay; choose one of at most "
            f"{LONGEST_WORD}"
        )
    ranks = tokenizer.merge_ranks
    parts = tuple(bytes([byte]) for byte in data)
    steps = [MergeStep(parts)]
    while pairs := [(ranks[pair], i) for i, pair in enumerate(pairwise(parts)) if pair in ranks]:
        rank, i = min(pairs)
        merged = parts[i] + parts[i + 1]
        parts = (*parts[:i], merged, *parts[i + 2 :])
        steps.append(MergeStep(parts, merged, rank))
    return steps


def split_words(tokenizer: Tokenizer, text: str) -> list[str]:
    """The words that the text is cut into before any merge; no token crosses their borders.

    Raises ValueError if the tokenizer has no merges of bytes.
    """
    if not tokenizer.merge_ranks:
        raise ValueError(
            f"the tokenizer {tokenizer.name} has no merges of bytes to replay; choose one with "
            f"byte-level BPE, such as GPT-2's"
        )
    return tokenizer.words(text)
