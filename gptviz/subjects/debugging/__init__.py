"""Debugging: shapes, parameters, gradients, one batch by heart, and what to do about symptoms."""

from gptviz.subjects.debugging.analysis import modules, walk
from gptviz.subjects.debugging.batch_analysis import of_plays, of_prompt, overfit
from gptviz.subjects.debugging.gradient_analysis import by_parameter, by_part, by_type

__all__ = [
    "by_parameter",
    "by_part",
    "by_type",
    "modules",
    "of_plays",
    "of_prompt",
    "overfit",
    "walk",
]
