"""GELU and ReLU: two bends, and what each keeps of a number below 0."""

from gptviz.subjects.gelu_and_relu.analysis import at, below_zero, curves, unit_table

__all__ = ["at", "below_zero", "curves", "unit_table"]
