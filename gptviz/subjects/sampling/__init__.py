"""Sampling: from scores to one token, and on to a text."""
