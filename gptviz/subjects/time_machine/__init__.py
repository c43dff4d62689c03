"""The time machine: a run's model after more and more steps."""

from gptviz.subjects.time_machine.analysis import (
    Trajectory,
    cosines,
    distributions,
    moments,
    patterns,
    strongest,
)

__all__ = ["Trajectory", "cosines", "distributions", "moments", "patterns", "strongest"]
