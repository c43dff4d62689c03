"""How often a model has seen each token: the counts that say which vectors to trust."""

from itertools import islice
from typing import Literal

import numpy as np

from gptviz.language_model import LanguageModel
from gptviz.tokenizers import Tokenizer

# Measured on a model of Shakespeare's plays: of the five tokens nearest to one that they hold 10
# to 19 times, nine in ten are as rare, whatever they mean; at 50 to 99 times, one in seven.
HARDLY_SEEN = 20

# What a choice of common tokens rests on: counts, or the order of the vocabulary.
Source = Literal["counts", "vocabulary", "readable-vocabulary"]


def times_seen(lm: LanguageModel) -> np.ndarray | None:
    """How often the model's training text holds each token, (V,), or None if unknown.

    A row of the model that no token of the vocabulary uses was never seen.
    """
    if lm.token_counts is None:
        return None
    return np.pad(lm.token_counts, (0, lm.config.vocab_size - len(lm.token_counts)))


def commonest(lm: LanguageModel, n: int) -> tuple[list[int], Source]:
    """The n tokens that the model's training text holds most often, and what the choice rests on.

    Where that is not known, the first of the vocabulary: a BPE numbers its tokens as it learnt
    them, common ones first, but begins with all single bytes. Fewer than n if there are no more.
    """
    if lm.token_counts is not None:
        order = np.argsort(-lm.token_counts, kind="stable")[:n]
        found = [int(token) for token in order if lm.token_counts[token] > 0]
        return found, "counts"
    ids = range(lm.tokenizer.vocab_size)
    if not lm.tokenizer.merge_ranks:
        return list(ids[:n]), "vocabulary"
    readable = (token for token in ids if _has_several_characters(lm.tokenizer, token))
    return list(islice(readable, n)), "readable-vocabulary"


def _has_several_characters(tokenizer: Tokenizer, token: int) -> bool:
    (piece,) = tokenizer.pieces([token])
    return len(piece) > 1 and "⟨" not in piece  # which stands around parts of a character
