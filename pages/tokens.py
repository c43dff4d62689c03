"""Tokens: how the text is cut into pieces, and what each piece is."""

from gptviz.ui.frame import frame

view = frame("tokens")
