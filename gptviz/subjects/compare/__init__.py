"""Two prompts, two models or two steps of a run, side by side and as difference."""

from gptviz.subjects.compare.analysis import (
    Apart,
    Pairing,
    Vocabularies,
    apart,
    next_tokens,
    pairing,
    vocabularies,
)
from gptviz.subjects.compare.attention_analysis import (
    head_distance_table,
    head_distances,
    pattern_difference,
    weight_table,
    weights_of_both,
)
from gptviz.subjects.compare.lens_analysis import (
    distance_table,
    lens_cell,
    lens_distances,
    lens_way,
)
from gptviz.subjects.compare.neighbours_analysis import Neighbours, neighbours

__all__ = [
    "Apart",
    "Neighbours",
    "Pairing",
    "Vocabularies",
    "apart",
    "distance_table",
    "head_distance_table",
    "head_distances",
    "lens_cell",
    "lens_distances",
    "lens_way",
    "neighbours",
    "next_tokens",
    "pairing",
    "pattern_difference",
    "vocabularies",
    "weight_table",
    "weights_of_both",
]
