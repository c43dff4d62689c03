"""Scaling: how the loss falls as models grow, and as more is calculated for them."""

from gptviz.subjects.scaling.analysis import by_compute, by_size, courses
from gptviz.subjects.scaling.law_analysis import PowerLaw, draws, fit

__all__ = ["PowerLaw", "by_compute", "by_size", "courses", "draws", "fit"]
