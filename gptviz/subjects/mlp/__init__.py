"""The MLP: its hidden units, and what each reads for and writes."""

from gptviz.subjects.mlp.analysis import (
    Neuron,
    activations,
    active_share,
    curve,
    most_active,
    neuron,
    neuron_table,
    share_table,
    units,
)

__all__ = [
    "Neuron",
    "activations",
    "active_share",
    "curve",
    "most_active",
    "neuron",
    "neuron_table",
    "share_table",
    "units",
]
