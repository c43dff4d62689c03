"""Exercises with one number of a vector of a run: an entry of a layer norm, and a hidden unit.

A seed draws which entry and which unit, among those that a calculator can find from a few digits.
"""

import math

import numpy as np
import torch

from gptviz.activations import Trace
from gptviz.language_model import LanguageModel
from gptviz.subjects.by_hand.steps_analysis import (
    Exercise,
    Step,
    bracketed,
    decimals_of,
    drawn,
    round_as_shown,
    written,
)
from gptviz.subjects.layer_norms.analysis import norm_input

FAR = 0.5  # standard deviations, at least, of an entry that is asked for from the mean
BENT = (0.2, 2.0)  # how far from 0 a unit is whose GELU is asked for
CUBE, ROOT = 0.044715, 0.7979  # of the GELU with tanh; √(2/π), as it is shown


def layer_norm(lm: LanguageModel, trace: Trace, layer: int, position: int, seed: int) -> Exercise:
    """One entry of the norm before a block's attention: mean, variance, (x − mean) ÷ √…, γ, β.

    The entry is one that lies FAR from the mean. Raises ValueError for a model without norms.
    (Ba, Kiros and Hinton, 2016, Layer Normalization)
    """
    norm = f"h.{layer}.ln_1"
    x = norm_input(lm.config, trace, norm)[position].double()
    n, epsilon = len(x), lm.config.layer_norm_epsilon
    centred = x - x.mean()
    variance = float(centred.square().mean())
    entry = drawn(seed, centred.abs(), FAR * math.sqrt(variance))
    fine = decimals_of(math.sqrt(variance + epsilon))  # a thousandth of it and less is shown

    total = round_as_shown(float(x.sum()))
    mean = Step(
        "mean",
        {"n": f"{n:,}", "total": written(total)},
        total / n,
        float(x.mean()),
        10.0**-fine,
        fine,
    )
    squares = round_as_shown(float(centred.square().sum()))
    spread = Step("variance", {"n": f"{n:,}", "squares": written(squares)}, squares / n, variance)
    root = Step(
        "root",
        {"variance": spread.shown, "epsilon": np.format_float_positional(epsilon, trim="-")},
        math.sqrt(round_as_shown(spread.answer) + epsilon),
        math.sqrt(variance + epsilon),
    )
    shown_x = round_as_shown(float(x[entry]), fine)
    normalized = Step(
        "normalized",
        {
            "entry": str(entry),
            "x": written(shown_x, fine),
            "mean": bracketed(written(mean.answer, fine)),
            "root": root.shown,
        },
        (shown_x - round_as_shown(mean.answer, fine)) / round_as_shown(root.answer),
        float(trace[f"{norm}.normalized"][position, entry]),
    )
    gamma, beta = (
        round_as_shown(float(lm.model.get_parameter(f"{norm}.{name}")[entry]))
        for name in ("weight", "bias")
    )
    stretched = round_as_shown(normalized.answer) * gamma
    output = Step(
        "output",
        {
            "normalized": normalized.shown,
            "gamma": bracketed(written(gamma)),
            "beta": bracketed(written(beta)),
        },
        stretched + beta,
        float(trace[norm][position, entry]),
        0.01 * max(abs(stretched), abs(beta)),  # the two may all but cancel each other
    )
    return Exercise(
        "layer-norm",
        f"{norm}[{position}, {entry}]",
        {"token": trace.tokens[position], "at": str(position), "layer": str(layer)},
        (mean, spread, root, normalized, output),
    )


def activation(lm: LanguageModel, trace: Trace, layer: int, position: int, seed: int) -> Exercise:
    """What a hidden unit lets through: its GELU, by the formula with tanh if the model uses that.

    The unit is one that lies within BENT, where the function bends. (Hendrycks and Gimpel, 2016,
    Gaussian Error Linear Units) Raises ValueError for a model without MLPs.
    """
    lm.config.require_mlp()
    pre = trace[f"h.{layer}.mlp.pre"][position].double()
    size = pre.abs()
    low, high = BENT
    unit = drawn(seed, torch.where(size <= high, size, -size), low)
    own = float(trace[f"h.{layer}.mlp.act"][position, unit])
    kind = {"gelu_tanh": "gelu", "gelu": "exact", "relu": "relu"}[lm.config.activation]
    return Exercise(
        kind,
        f"h.{layer}.mlp.act[{position}, {unit}]",
        {
            "token": trace.tokens[position],
            "at": str(position),
            "layer": str(layer),
            "unit": str(unit),
        },
        _bent(kind, float(pre[unit]), own),
    )


def _bent(kind: str, pre: float, own: float) -> tuple[Step, ...]:
    """The steps of an activation function for one unit."""
    x = round_as_shown(pre)
    shown = bracketed(written(x))
    if kind == "relu":
        return (Step("kept", {"x": written(x)}, max(0.0, x), own, 0.0005),)
    if kind == "exact":
        left = round_as_shown(0.5 * (1 + math.erf(pre / math.sqrt(2))))
        return (Step("part", {"x": written(x), "left": written(left)}, x * left, own, 0.0005),)
    inner = Step("cubed", {"x": written(x)}, x + CUBE * x**3, pre + CUBE * pre**3)
    u = round_as_shown(inner.answer) * ROOT
    own_u = math.sqrt(2 / math.pi) * inner.own
    narrow = Step("narrowed", {"inner": bracketed(inner.shown)}, u, own_u)
    curve = Step("tanh", {"u": narrow.shown}, math.tanh(round_as_shown(u)), math.tanh(own_u))
    tanh = round_as_shown(curve.answer)
    result = Step(
        "result", {"x": shown, "tanh": bracketed(curve.shown)}, 0.5 * x * (1 + tanh), own, 0.0005
    )
    return inner, narrow, curve, result
