"""A run's history as the panels of a live chart."""

import math

import numpy as np

from gptviz.figures.theme import PALETTES, Scheme
from gptviz.training.history import History, smooth, thin
from gptviz.ui.components.live_chart import Panel, Series, Unit

MOST_POINTS = 300  # of one line: more than a chart has pixels to show
SMOOTHING = 0.9  # what a loss weighs in the mean, of what the one after it weighs
Stretch = tuple[float, float]


def panels(
    course: History,
    *,
    clip: float,
    bytes_per_token: float | None,
    scheme: Scheme,
    zoom: Stretch | None,
) -> list[Panel]:
    """Loss, learning rate, gradient norm and speed over steps; more points where zoomed to."""
    colours = PALETTES[scheme]
    own, other = colours.sequential[3], colours.accent
    steps = course["step"]

    def line(name: str, y: np.ndarray, look: str = "line", colour: str = own) -> Series:
        return Series(name, *thinned(steps, y, zoom), colour, look)  # type: ignore[arg-type]

    loss = course["train_loss"]
    units = [Unit("nats a token"), Unit("perplexity", exponential=True)]
    if bytes_per_token:
        units.insert(1, Unit("bits a byte", 1 / (math.log(2) * bytes_per_token)))
    return [
        Panel(
            "Loss",
            [
                line("training, each step", loss, "faint"),
                line("training, smoothed", smooth(loss, SMOOTHING)),
                line("validation", course["val_loss"], "points", other),
            ],
            units,
            logarithmic=True,
        ),
        Panel("Learning rate", [line("learning rate", course["lr"])], []),
        Panel(
            "Gradient norm",
            [line("gradient norm", course["grad_norm"])],
            [],
            {"clip at": clip},
        ),
        Panel(
            "Speed",
            [line("speed", course["tokens_per_second"])],
            [Unit("tokens a second")],
        ),
    ]


def thinned(x: np.ndarray, y: np.ndarray, zoom: Stretch | None) -> tuple[np.ndarray, np.ndarray]:
    """A line in few points over all, and as many again in the stretch that is zoomed to."""
    few_x, few_y = thin(x, y, MOST_POINTS)
    if zoom is None or len(few_x) == len(x):
        return few_x, few_y
    inside = (x >= zoom[0]) & (x <= zoom[1])
    more_x, more_y = thin(x[inside], y[inside], MOST_POINTS)
    all_x, first = np.unique(np.concatenate([few_x, more_x]), return_index=True)
    return all_x, np.concatenate([few_y, more_y])[first]


def in_words(course: History) -> str:
    """What the curves show, for who cannot see them."""
    if not len(course):
        return "The curves of a run that has not made a step yet."
    loss, (steps, validated) = course["train_loss"], course.validations
    words = (
        f"Curves over {len(course):,} steps: the training loss went from {loss[0]:.2f} to "
        f"{loss[-1]:.2f} nats a token"
    )
    if len(steps):
        words += f", the validation loss is {validated[-1]:.2f}"
    return f"{words}; below or beside it the learning rate, the gradient norm and the speed."
