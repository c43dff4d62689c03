"""Byte pairs: a tokenizer learnt from any text, at every size of its vocabulary."""

from gptviz.subjects.byte_pairs.analysis import (
    Learnt,
    learn,
    letters,
    merges,
    sizes,
    torn,
    unknown,
)

__all__ = ["Learnt", "learn", "letters", "merges", "sizes", "torn", "unknown"]
