"""Tokens: how a text is cut into pieces, and what each piece is."""

from gptviz.subjects.tokens.analysis import (
    characters_per_token,
    cost_table,
    merge_table,
    search_vocabulary,
    side_by_side_table,
    token_table,
    word_of_token,
)

__all__ = [
    "characters_per_token",
    "cost_table",
    "merge_table",
    "search_vocabulary",
    "side_by_side_table",
    "token_table",
    "word_of_token",
]
