"""A run's history as the panels of a live chart."""

import math
from collections.abc import Mapping

import numpy as np

from gptviz.app.theme import PALETTES, Scheme
from gptviz.runs.curves import BASELINES, SMOOTHING, smooth, speed, thin
from gptviz.subjects.training.live_chart import Panel, Series, Unit
from gptviz.training.record.metrics import History

MOST_POINTS = 300  # of one line: more than a chart has pixels to show
RECENT = 50  # steps over which a speed is measured
SMOOTHED = f"training, smoothed by {SMOOTHING}"
ALL_INCLUDED = f"all included, over {RECENT} steps"
Stretch = tuple[float, float]


def panels(
    course: History,
    *,
    clip: float,
    tokens_per_step: int,
    bytes_per_token: tuple[float | None, float | None],
    baselines: Mapping[str, float],
    to_come: tuple[np.ndarray, np.ndarray],
    scheme: Scheme,
    zoom: Stretch | None,
) -> list[Panel]:
    """Loss, learning rate, gradient norm and speed over steps; more points where zoomed to.

    bytes_per_token are those of what the run trains on and of what it holds out, if they are known;
    baselines are the losses of guesses that only count, by the keys of BASELINES. to_come holds
    the steps that are planned, and their rates; none where nothing is.
    """
    colours = PALETTES[scheme]
    own, other = colours.sequential[3], colours.accent
    steps = course["step"]

    def line(name: str, y: np.ndarray, look: str = "line", colour: str = own) -> Series:
        return Series(name, *thinned(steps, y, zoom), colour, look)  # type: ignore[arg-type]

    ahead = [Series("to come", *to_come, own, "ahead")] if len(to_come[0]) else []
    loss = course["train_loss"]
    units = [Unit("nats a token"), Unit("perplexity", exponential=True)]
    of_text, held_out = bytes_per_token
    if of_text and held_out:
        factors = [1 / (math.log(2) * ratio) for ratio in (of_text, of_text, held_out)]
        units.insert(1, Unit("bits a byte", factors=factors))
    return [
        Panel(
            "Loss",
            [
                line("training, each step", loss, "faint"),
                line(SMOOTHED, smooth(loss, SMOOTHING)),
                line("validation", course["val_loss"], "points", other),
            ],
            units,
            {BASELINES[name]: loss for name, loss in baselines.items()},
            logarithmic=True,
        ),
        Panel("Learning rate", [line("learning rate", course["lr"]), *ahead], []),
        Panel(
            "Gradient norm",
            [line("gradient norm", course["grad_norm"])],
            [],
            {"clip at": clip},
        ),
        Panel(
            "Speed",
            [
                line("of a step alone", course["tokens_per_second"], "faint"),
                line(ALL_INCLUDED, speed(course, tokens_per_step, RECENT)),
            ],
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
    """What the curves show, in words, for readers who cannot see them."""
    if not len(course):
        return "The curves of a run that has not made a step yet."
    loss, (steps, validated) = course["train_loss"], course.validations
    first, last = f"{loss[0]:.2f}", f"{loss[-1]:.2f}"
    if not len(steps):
        return (
            f"Curves over {len(course):,} steps: the training loss went from {first} to {last} "
            "nats a token; below or beside it the learning rate, the gradient norm and the speed."
        )
    return (
        f"Curves over {len(course):,} steps: the training loss went from {first} to {last} nats a "
        f"token, the validation loss is {validated[-1]:.2f}; below or beside it the learning rate, "
        "the gradient norm and the speed."
    )
