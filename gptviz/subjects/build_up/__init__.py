"""A GPT built up idea by idea, and one number of parameters in four shapes."""

from gptviz.subjects.build_up.analysis import courses, forward_times, results, sizes

__all__ = ["courses", "forward_times", "results", "sizes"]
