"""Gradients: what pulls at each part of a model while it learns."""

from gptviz.subjects.gradients.analysis import norms, parameter_names, spread, values

__all__ = ["norms", "parameter_names", "spread", "values"]
