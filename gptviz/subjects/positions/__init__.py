"""Positions: waves, learnt vectors or none, and what the order of a text changes."""

from gptviz.subjects.positions.analysis import added, guesses, matrix, shuffled_ids, shuffling

__all__ = ["added", "guesses", "matrix", "shuffled_ids", "shuffling"]
