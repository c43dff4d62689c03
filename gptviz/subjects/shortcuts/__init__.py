"""Shortcuts: how gradients come through many layers, with a sum around each layer and without."""

from gptviz.subjects.shortcuts.analysis import gradients, likeness, powers

__all__ = ["gradients", "likeness", "powers"]
