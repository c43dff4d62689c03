"""Debugging: shapes, parameters, gradients, one batch by heart, and a list of symptoms."""

from functools import partial

from gptviz.app import choices
from gptviz.app.choices import Tab
from gptviz.app.frame import frame
from gptviz.subjects.debugging import batch_tabs, gradient_tabs, symptom_tabs, tabs
from gptviz.subjects.debugging.symptoms import TITLES
from gptviz.subjects.training.batch_curves import batch_curves

view = frame("debugging")
curves = partial(batch_curves, scheme=view.scheme)

choices.tabs(
    {
        "shapes": Tab("Shapes", partial(tabs.shapes, view)),
        "modules": Tab("print(model)", partial(tabs.modules, view)),
        "gradients": Tab(
            TITLES["gradients"], partial(gradient_tabs.gradients, view), gradient_tabs.KEYS
        ),
        "batch": Tab(TITLES["batch"], partial(batch_tabs.batch, view, curves), batch_tabs.KEYS),
        "symptoms": Tab("Symptoms", partial(symptom_tabs.symptoms, view.scheme), symptom_tabs.KEYS),
    }
)
