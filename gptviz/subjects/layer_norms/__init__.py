"""Layer norms: every vector brought to one scale."""

from gptviz.subjects.layer_norms.analysis import (
    ByHand,
    LeftOut,
    Likeliest,
    by_hand,
    divergence_table,
    kl_divergence,
    largest,
    leave_out,
    lengths_table,
    likeliest_table,
    norm_input,
    norm_names,
    parameter_table,
    summands,
)

__all__ = [
    "ByHand",
    "LeftOut",
    "Likeliest",
    "by_hand",
    "divergence_table",
    "kl_divergence",
    "largest",
    "leave_out",
    "lengths_table",
    "likeliest_table",
    "norm_input",
    "norm_names",
    "parameter_table",
    "summands",
]
