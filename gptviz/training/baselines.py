"""The losses of guesses that only count: what a model has learnt beyond them is more than that."""

import math

import numpy as np

from gptviz.runs import Status
from gptviz.tokenizers import Tokenizer
from gptviz.training import data

COUNTED = 2_000_000  # tokens, of the beginning of the text: more would hardly change a loss
GUESSED = 200_000  # tokens, of the beginning of what is held out


def known_before(
    train_ids: np.ndarray, val_ids: np.ndarray, tokenizer: Tokenizer, vocab_size: int
) -> Status:
    """What a run's status says of its text: its size, bytes a token, the losses of `baselines`."""
    return {
        "train_tokens": len(train_ids),
        "train_bytes_per_token": data.bytes_per_token(train_ids, tokenizer),
        "val_bytes_per_token": data.bytes_per_token(val_ids, tokenizer),
        "baselines": baselines(train_ids, val_ids, vocab_size),
    }


def baselines(train_ids: np.ndarray, val_ids: np.ndarray, vocab_size: int) -> dict[str, float]:
    """The loss of three guesses on the held-out text, in nats a token.

    uniform gives each of the vocab_size tokens the same: ln V, with which a fresh model begins.
    unigram knows how often each token stands in what is trained on, and bigram how often each
    stands after the one before it. So that none gets probability 0, unigram counts each token once
    more than it stands there, and bigram mixes with unigram as Witten and Bell (1991, The
    Zero-Frequency Problem) do: the more kinds of tokens followed one, the likelier a new one is.
    """
    V = vocab_size
    read, guessed = train_ids[:COUNTED].astype(np.int64), val_ids[:GUESSED].astype(np.int64)
    counts = np.bincount(read, minlength=V)
    unigram = (counts + 1) / (len(read) + V)
    pairs, n_pairs = np.unique(read[:-1] * V + read[1:], return_counts=True)
    followed = np.bincount(read[:-1], minlength=V)
    kinds = np.bincount(pairs // V, minlength=V)
    before, after = guessed[:-1], guessed[1:]
    wanted = before * V + after
    at = np.searchsorted(pairs, wanted).clip(max=len(pairs) - 1)
    seen = np.where(pairs[at] == wanted, n_pairs[at], 0)
    known = np.maximum(followed + kinds, 1)[before]  # of a token that was never followed: no pair
    mixed = (seen + kinds[before] * unigram[after]) / known
    bigram = np.where(followed[before] > 0, mixed, unigram[after])
    return {
        "uniform": math.log(V),
        "unigram": float(-np.log(unigram[after]).mean()),
        "bigram": float(-np.log(bigram).mean()),
    }
