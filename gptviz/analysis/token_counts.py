"""How often a model has seen each token: the counts that say which vectors to trust.

Run `python -m gptviz.analysis.token_counts` after a change of the shipped text or of the
GPT-2 vocabulary: it writes the counts anew. They ship because counting takes seconds.
"""

import functools
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from gptviz.checkpoints.place import BUNDLED
from gptviz.language_model import LanguageModel
from gptviz.tokenizers import GPT2Tokenizer, Tokenizer

DATA = Path(__file__).parents[1] / "data"
TEXT, COUNTS = DATA / "shakespeare.txt", DATA / "shakespeare_counts.npz"
# Measured on the bundled model: of the five tokens nearest to one seen 10 to 19 times, nine in
# ten are as rare, whatever they mean; at 50 to 99 times, one in seven.
HARDLY_SEEN = 20
# A vocabulary without shipped counts is counted on so much of the text: a moment's work.
SAMPLE = 200_000


def count(ids: Sequence[int], vocab_size: int) -> np.ndarray:
    """How often each id of a vocabulary occurs, (vocab_size,)."""
    return np.bincount(np.asarray(ids, dtype=np.int64), minlength=vocab_size)


def count_shipped_text() -> np.ndarray:
    """Count the GPT-2 tokens that the bundled model was trained on: all but the last tenth."""
    tokenizer = GPT2Tokenizer()
    ids = tokenizer.encode(TEXT.read_text(encoding="utf-8"))
    return count(ids[: len(ids) - len(ids) // 10], tokenizer.vocab_size)


@functools.cache
def shipped_counts() -> np.ndarray:
    """What `count_shipped_text` found when gptviz was made, (50257,)."""
    with np.load(COUNTS) as file:
        counts = file["counts"].astype(np.int64)
    counts.setflags(write=False)
    return counts


def times_seen(lm: LanguageModel) -> np.ndarray | None:
    """How often the model's training text holds each token, (V,), or None if unknown.

    Known for the bundled model only: no other says what it was trained on. A row of the model
    that no token of the vocabulary uses was never seen.
    """
    if lm.name != BUNDLED or not isinstance(lm.tokenizer, GPT2Tokenizer):
        return None
    return np.pad(shipped_counts(), (0, lm.config.vocab_size - lm.tokenizer.vocab_size))


def commonest(tokenizer: Tokenizer, n: int) -> tuple[list[int], str]:
    """The n commonest tokens of a vocabulary, or all of a smaller one, and what that rests on.

    Commonest in the shipped text; a vocabulary that cannot write it gives its first tokens.
    """
    n = min(n, tokenizer.vocab_size)
    if isinstance(tokenizer, GPT2Tokenizer):
        counts = shipped_counts()
        source = "the commonest in the shipped Shakespeare"
    else:
        text = TEXT.read_text(encoding="utf-8")[:SAMPLE]
        try:
            counts = count(tokenizer.encode(text), tokenizer.vocab_size)
            source = f"the commonest in {SAMPLE:,} characters of the shipped Shakespeare"
        except ValueError:
            return list(range(n)), "the first of the vocabulary, which cannot write Shakespeare"
    order = np.argsort(-counts, kind="stable")[:n]
    return [int(token) for token in order if counts[token] > 0], source


if __name__ == "__main__":
    np.savez_compressed(COUNTS, counts=count_shipped_text().astype(np.uint32))
