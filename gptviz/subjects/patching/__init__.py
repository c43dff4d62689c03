"""Activation patching: which part carries what makes the difference."""

from gptviz.measures import logit_difference, probability
from gptviz.subjects.patching.analysis import answers_restored, patch, table

__all__ = [
    "answers_restored",
    "logit_difference",
    "patch",
    "probability",
    "table",
]
