"""One layer by hand: layer norm beside batch norm, and what depth needs a norm for."""

from gptviz.subjects.one_layer.analysis import (
    Divisor,
    example,
    moments,
    normalised,
    spread_by_layer,
)

__all__ = ["Divisor", "example", "moments", "normalised", "spread_by_layer"]
