"""Tokens as chips."""
