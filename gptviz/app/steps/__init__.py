"""The steps of a run, as a slider."""
