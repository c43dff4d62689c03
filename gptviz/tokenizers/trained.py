"""Byte-pair encoding learnt here, from the text that a model is to read (Sennrich et al., 2016)."""

import functools
from collections.abc import Callable, Iterable, Sequence
from itertools import chain, islice

import tiktoken
import tokenizers
from tokenizers import decoders, models, pre_tokenizers, trainers

from gptviz.tokenizers.base import Tokenizer, require_characters
from gptviz.tokenizers.byte_level import spell
from gptviz.tokenizers.gpt2 import END_OF_TEXT, PATTERN, digestible
from gptviz.tokenizers.huggingface import HuggingFaceTokenizer

SMALLEST, LARGEST = 257, 65_536  # every byte and the end of a text; what two bytes can number


def train_bpe(
    texts: Iterable[str], vocab_size: int, show_progress: bool = False
) -> HuggingFaceTokenizer:
    """A byte-level BPE such as GPT-2's, with exactly vocab_size tokens, that can write any text.

    Ids are in GPT-2's order: 256 bytes, the merges as they were learnt, the end of a text. Where
    one text ends and the next begins, a word ends. show_progress draws the library's bars on a
    terminal. Raises ValueError for a size out of range, and if the texts hold too few pairs that
    occur twice to fill the vocabulary.
    """
    require_bpe_size(vocab_size)
    found = _learnt(texts, vocab_size, show_progress)
    if found.vocab_size < vocab_size:
        size = found.vocab_size
        raise ValueError(
            f"this text fills a vocabulary of {size} tokens, not of {vocab_size}; "
            f"choose {size} or fewer, or a longer text"
        )
    return found


def train_largest_bpe(texts: Iterable[str], at_most: int = LARGEST) -> HuggingFaceTokenizer:
    """As `train_bpe`, with as many tokens as the texts fill, up to at_most.

    Raises ValueError for a size out of range.
    """
    require_bpe_size(at_most)
    return _learnt(texts, at_most)


def first_merges(bpe: HuggingFaceTokenizer, vocab_size: int) -> HuggingFaceTokenizer:
    """A BPE that was trained here, had it been trained to a smaller vocabulary of this size.

    Each merge is chosen by what those before it made of the text, so a smaller vocabulary is the
    beginning of a larger one. Raises ValueError for a size that the given one does not hold.
    """
    require_bpe_size(vocab_size)
    if vocab_size > bpe.vocab_size:
        raise ValueError(
            f"a vocabulary of {bpe.vocab_size} tokens does not hold one of {vocab_size}; choose "
            f"{bpe.vocab_size} or fewer"
        )
    ids = {spell(bpe.token_bytes(token)): token for token in range(vocab_size - 1)}
    pairs = islice(bpe.merge_ranks, vocab_size - SMALLEST)
    merges = [(spell(left), spell(right)) for left, right in pairs]
    return _finished(_byte_level(models.BPE(vocab=ids, merges=merges)))


def _learnt(
    texts: Iterable[str], vocab_size: int, show_progress: bool = False
) -> HuggingFaceTokenizer:
    library = _byte_level(models.BPE())
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size - 1,  # the end of a text comes last
        min_frequency=2,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=show_progress,
    )
    library.train_from_iterator(texts, trainer)
    return _finished(library)


def _byte_level(model: models.BPE) -> tokenizers.Tokenizer:
    library = tokenizers.Tokenizer(model)
    library.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    library.decoder = decoders.ByteLevel()
    return library


def _finished(library: tokenizers.Tokenizer) -> HuggingFaceTokenizer:
    library.add_special_tokens([END_OF_TEXT])
    return HuggingFaceTokenizer(library.to_str(), END_OF_TEXT)


def require_bpe_size(vocab_size: int) -> None:
    """Raise ValueError for a size that no BPE trained here can have."""
    if not SMALLEST <= vocab_size <= LARGEST:
        raise ValueError(
            f"a BPE vocabulary of {vocab_size} tokens cannot be trained; choose {SMALLEST} "
            f"(one for each byte, and the end of a text) to {LARGEST}"
        )


def encoder(tokenizer: Tokenizer) -> Callable[[str], Sequence[int]]:
    """The quickest way to the very ids that tokenizer.encode gives.

    For a BPE that train_bpe made this is tiktoken, ten times as quick as its own library. One
    goes by the rank of a pair, the other by the rank of what the pair makes. Both are the same
    in a vocabulary that was learnt: a token's bytes, taken alone, merge into the one pair that
    it was made from, and beside other bytes they merge in the same order or across its border.
    """
    if not isinstance(tokenizer, HuggingFaceTokenizer):
        return tokenizer.encode
    special = tokenizer.special_tokens
    encoding = tiktoken.Encoding(
        "trained",
        pat_str=PATTERN,
        mergeable_ranks={
            tokenizer.token_bytes(token): token
            for token in range(tokenizer.vocab_size)
            if token not in special
        },
        special_tokens={},
    )
    return functools.partial(_encode, encoding)


def _encode(encoding: tiktoken.Encoding, text: str) -> list[int]:
    require_characters(text)
    return list(chain.from_iterable(map(encoding.encode_ordinary, digestible(text))))
