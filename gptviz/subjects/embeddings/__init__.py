"""Embeddings: each token as a vector, and what lies near what."""

from gptviz.subjects.embeddings.analysis import (
    Word,
    analogy,
    analogy_vector,
    cosine_similarity,
    nearest,
    pair_table,
    parse_pairs,
    require_direction,
    seen_least,
    similarity_table,
    token_table,
    token_word,
    vocabulary_cosines,
    word,
)

__all__ = [
    "Word",
    "analogy",
    "analogy_vector",
    "cosine_similarity",
    "nearest",
    "pair_table",
    "parse_pairs",
    "require_direction",
    "seen_least",
    "similarity_table",
    "token_table",
    "token_word",
    "vocabulary_cosines",
    "word",
]
