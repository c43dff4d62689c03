"""The page GELU and ReLU: the functions by the normal distribution, and the text's hidden units."""

import math
from functools import partial
from typing import Any

import numpy as np
from scipy.stats import norm as normal

from accounts.common import Expected, Models, Read, chips
from accounts.reference import Reference

X, AT, LAYER, POINTS = -0.7, 7, 1, 401


def functions(x: np.ndarray) -> dict[str, np.ndarray]:
    """The columns of the table."""
    root = math.sqrt(2 / math.pi)
    bend = np.tanh(root * (x + 0.044715 * x**3))
    exact, tanh, below = x * normal.cdf(x), 0.5 * x * (1 + bend), normal.cdf(x)
    steep = 0.5 * x * (1 - bend**2) * root * (1 + 3 * 0.044715 * x**2)
    return {
        "x": x,
        "exact": exact,
        "tanh": tanh,
        "relu": np.maximum(x, 0),
        "error": tanh - exact,
        "exact slope": below + x * normal.pdf(x),
        "tanh slope": 0.5 * (1 + bend) + steep,
        "relu slope": (x > 0) * 1.0,
        "kept": below,
    }


def curves(kind: str) -> Expected:
    """A picture of the three, and what is said of them."""
    table = functions(np.linspace(-3, 3, POINTS))
    far = functions(np.linspace(-6, 6, 120_001))
    here = functions(np.array([X]))
    lowest, steepest = far["exact"].argmin(), far["exact slope"].argmax()
    turn = far["x"][lowest]
    columns = {
        "function": ("exact", "tanh", "relu"),
        "slope": ("exact slope", "tanh slope", "relu slope"),
        "error": ("error",),
    }[kind]
    above = far["exact slope"][steepest]
    assert above > 1
    words = {
        "function": (
            *("Just below {}, GELU lets", 0, POINTS, 0, far["exact"][lowest], turn, 0, 0, 2, 2016),
        ),
        "slope": (
            *("Left of {} the slope", 0, 0, POINTS, 0, 0, turn, far["x"][steepest], 1, 2016),
        ),
        "error": (
            *("The two GELUs differ", lambda most: most > np.abs(far["error"]).max(), POINTS),
            *(2, 2016),
        ),
    }
    shown: dict[str, Any] = {
        "x.label": [f"{tenth / 10:g}".replace("-", "−") for tenth in range(-30, 31)],
        "curves.shapes": [X, X, 0, 1],
        **{f"curves_table.{name}": values for name, values in table.items()},
    }
    for i, name in enumerate(columns):
        shown |= {f"curves.{i}.x": table["x"], f"curves.{i}.y": table[name]}
    kept = (X, here["exact"][0], 0, here["kept"][0])
    return [("the share of a bell curve", *kept), words[kind]], shown


def units(ref: Reference) -> Expected:
    """The hidden units of a layer at a token."""
    pre, act = (ref.x[f"h.{LAYER}.mlp.{name}"][AT] for name in ("pre", "act"))
    made, drawn = functions(pre), functions(np.linspace(-4, 1, POINTS))
    near, low = np.flatnonzero((pre >= -4) & (pre <= 1)), pre < 0
    shown: dict[str, Any] = {
        "layer": [0, ref.L - 1, LAYER],
        **chips("position_chips", ref.T, AT),
        "units_below.2.x": pre[near],
        "units_below.2.y": act[near],
        "units_below.2.customdata": np.stack((near, made["relu"][near]), -1),
        "units_below_table.neuron": range(len(pre)),
        "units_below_table.pre": pre,
        "units_below_table.act": act,
    }
    for i, name in enumerate(("tanh", "relu")):  # the model's own is that with tanh
        shown |= {f"units_below.{i}.x": drawn["x"], f"units_below.{i}.y": drawn[name]}
    shown |= {f"units_below_table.{name}": made[name] for name in ("exact", "tanh", "relu")}
    sums = (pre[low].sum(), act[low].sum(), act[low].min())
    names = (f"h.{LAYER}.mlp.pre[{AT}]", f"h.{LAYER}.mlp.act[{AT}]")
    said = [
        ("Together they come to", low.sum(), len(pre), LAYER, 0, *sums),
        ("Below {} a little comes through", 0, *names, len(pre), 0),
    ]
    return said, shown


def look(read: Read, models: Models, kind: str) -> None:
    """The curves of a kind, or the hidden units."""
    ref = models.ref
    if kind == "units":
        chosen = {"tab": kind, "layer": LAYER, "position": AT}
        page = read("gelu_and_relu", ["units_below"], **chosen)
    else:
        page = read("gelu_and_relu", ["curves"], x=X, curve_of=kind)
    said = [*ref.around(AT)[0], ("What becomes of a number", 0)]
    page.holds((said, {}), units(ref) if kind == "units" else curves(kind))


VIEWS = {kind: partial(look, kind=kind) for kind in ("function", "slope", "error", "units")}
