"""Byte-pair encoding learnt here, from the text that a model is to read (Sennrich et al., 2016)."""

import functools
from collections.abc import Callable, Iterable, Sequence
from itertools import chain

import tiktoken
import tokenizers
from tokenizers import decoders, models, pre_tokenizers, trainers

from gptviz.tokenizers.base import Tokenizer, require_characters
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
    library = tokenizers.Tokenizer(models.BPE())
    library.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    library.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size - 1,  # the end of a text comes last
        min_frequency=2,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=show_progress,
    )
    library.train_from_iterator(texts, trainer)
    library.add_special_tokens([END_OF_TEXT])
    if (found := library.get_vocab_size()) < vocab_size:
        raise ValueError(
            f"this text fills a vocabulary of {found} tokens, not of {vocab_size}; "
            f"choose {found} or fewer, or a longer text"
        )
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
