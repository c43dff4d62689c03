"""Going downhill: gradient descent, and the optimisers that grew out of it."""

from gptviz.subjects.downhill.analysis import adam_steps, descent, paths, surface
from gptviz.subjects.downhill.gpt_analysis import courses, shrunk

__all__ = ["adam_steps", "courses", "descent", "paths", "shrunk", "surface"]
