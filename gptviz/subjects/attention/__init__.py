"""Attention: where each token looks."""

from gptviz.subjects.attention.analysis import (
    Arithmetic,
    arithmetic,
    entropy,
    head_measures,
    head_table,
    induction,
    maximum_over_heads,
    mean_over_heads,
    normalised_entropy,
    pattern_table,
    patterns,
    per_head,
    shrunk,
    to_first,
    to_previous,
    weighted_table,
    without_first,
)
from gptviz.subjects.attention.circuits_analysis import Circuits, circuit_table, circuits
from gptviz.subjects.attention.contribution_analysis import rollout, shares, value_weighted
from gptviz.subjects.attention.finding_analysis import Found, find_heads, opening_head, places

__all__ = [
    "Arithmetic",
    "Circuits",
    "Found",
    "arithmetic",
    "circuit_table",
    "circuits",
    "entropy",
    "find_heads",
    "head_measures",
    "head_table",
    "induction",
    "maximum_over_heads",
    "mean_over_heads",
    "normalised_entropy",
    "opening_head",
    "pattern_table",
    "patterns",
    "per_head",
    "places",
    "rollout",
    "shares",
    "shrunk",
    "to_first",
    "to_previous",
    "value_weighted",
    "weighted_table",
    "without_first",
]
