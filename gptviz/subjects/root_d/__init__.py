"""√d: what attention's division by the root of d does to scores, weights and their entropy."""

from gptviz.subjects.root_d.analysis import Chosen, as_d_grows, of_head, random_scores

__all__ = ["Chosen", "as_d_grows", "of_head", "random_scores"]
