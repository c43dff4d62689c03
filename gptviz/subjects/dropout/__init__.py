"""Dropout: numbers that are set to 0 at random while a network learns."""

from gptviz.subjects.dropout.analysis import PLACES, Mode, applied, at_place, averages, mask

__all__ = ["PLACES", "Mode", "applied", "at_place", "averages", "mask"]
