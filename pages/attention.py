"""Attention: where each token looks."""

from gptviz.ui import controls
from gptviz.ui.frame import frame

view = frame("attention")
layer, head = controls.layer(view.lm), controls.head(view.lm)
