"""Anatomy: what a model is made of, what it takes, and the weights that it holds."""

from gptviz.subjects.anatomy.analysis import parts, sizes, without_output_layer
from gptviz.subjects.anatomy.family_analysis import PUBLISHED, Published, family, shape
from gptviz.subjects.anatomy.memory_analysis import cache, memory, training
from gptviz.subjects.anatomy.weights_analysis import (
    Spectrum,
    histogram,
    norms,
    spectrum,
    spectrum_table,
    tensors,
)
from gptviz.subjects.anatomy.work_analysis import (
    Measured,
    comparison,
    ends,
    flops,
    measure,
    work,
)

__all__ = [
    "PUBLISHED",
    "Measured",
    "Published",
    "Spectrum",
    "cache",
    "comparison",
    "ends",
    "family",
    "flops",
    "histogram",
    "measure",
    "memory",
    "norms",
    "parts",
    "shape",
    "sizes",
    "spectrum",
    "spectrum_table",
    "tensors",
    "training",
    "without_output_layer",
    "work",
]
