"""Induction: heads that find what came next last time."""

from gptviz.subjects.induction.analysis import InductionScores, induction_scores, repeated_texts

__all__ = ["InductionScores", "induction_scores", "repeated_texts"]
