"""Sharing the matrix: one matrix that reads tokens and guesses them, or two."""

from gptviz.subjects.sharing.analysis import Logit, costs, likeliest, logit

__all__ = ["Logit", "costs", "likeliest", "logit"]
