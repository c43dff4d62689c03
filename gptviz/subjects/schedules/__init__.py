"""Schedules: the learning rate from the first step to the last, and what it is good for."""

from gptviz.subjects.schedules.analysis import courses, rates, six

__all__ = ["courses", "rates", "six"]
