"""Positions: waves, learnt vectors or none, and what the order of a text changes."""

from gptviz.subjects.positions.analysis import Shuffled, added, matrix, shuffled, shuffled_ids

__all__ = ["Shuffled", "added", "matrix", "shuffled", "shuffled_ids"]
