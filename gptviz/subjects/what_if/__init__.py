"""What if: a part of the model switched off or changed."""

from gptviz.measures import logit_difference, probability
from gptviz.subjects.what_if.analysis import (
    averaged,
    cut,
    first_token_pattern,
    knock_out,
    scaled,
    token_before_pattern,
    uniform_pattern,
    with_pattern,
    without_division,
    without_mask,
    without_norm,
    without_positions,
    without_residual,
)
from gptviz.subjects.what_if.writing_analysis import write

__all__ = [
    "averaged",
    "cut",
    "first_token_pattern",
    "knock_out",
    "logit_difference",
    "probability",
    "scaled",
    "token_before_pattern",
    "uniform_pattern",
    "with_pattern",
    "without_division",
    "without_mask",
    "without_norm",
    "without_positions",
    "without_residual",
    "write",
]
