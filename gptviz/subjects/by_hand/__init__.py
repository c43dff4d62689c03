"""Do it by hand: numbers of a run, and the steps from one to the next with a calculator."""

from gptviz.subjects.by_hand.analysis import attention_cell, cross_entropy, softmax
from gptviz.subjects.by_hand.steps_analysis import (
    Exercise,
    Step,
    table_of,
    typed_number,
    verdict,
    written,
)
from gptviz.subjects.by_hand.vector_analysis import activation, layer_norm

__all__ = [
    "Exercise",
    "Step",
    "activation",
    "attention_cell",
    "cross_entropy",
    "layer_norm",
    "softmax",
    "table_of",
    "typed_number",
    "verdict",
    "written",
]
