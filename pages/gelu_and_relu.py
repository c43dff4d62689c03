"""GELU and ReLU: what each lets through, and the text's own hidden units on the curve."""

from functools import partial

from gptviz.app import choices
from gptviz.app.choices import Tab
from gptviz.app.frame import frame
from gptviz.subjects.gelu_and_relu import tabs

view = frame("gelu_and_relu")
choices.tabs(
    {
        "curves": Tab("Curves", partial(tabs.curves, view.scheme), tabs.KEYS),
        "units": Tab("Your text's hidden units", partial(tabs.units, view)),
    }
)
