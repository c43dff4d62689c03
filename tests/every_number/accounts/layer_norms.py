"""The page Layer norms: one norm of one token, what it learnt, the stream, and a run without it."""

import math
from functools import partial
from typing import Any

import numpy as np
import torch

from accounts.common import Expected, Models, Read, below, chips, ticks
from accounts.reference import Reference, log_softmax, norm

AT, LAYER, NORM = 7, 1, "h.1.ln_2"
READ = "h.1.resid_mid"
BINS = 40


def parts(ref: Reference) -> dict[str, np.ndarray]:
    """The columns of the arithmetic, in the order of computation."""
    x = ref.x[READ][AT]
    gamma, beta = ref.weight(f"{NORM}.weight"), ref.weight(f"{NORM}.bias")
    centred = x - x.mean()
    normalized = centred / math.sqrt(x.var() + 1e-5)
    return {
        "x": x,
        "x − mean": centred,
        "÷ √(var + ε)": normalized,
        "γ": gamma,
        "× γ": normalized * gamma,
        "β": beta,
        "+ β": normalized * gamma + beta,
        NORM: ref.x[NORM][AT],
    }


def histogram(key: str, first: int, numbers: np.ndarray, edges: np.ndarray) -> dict[str, Any]:
    counts, _ = np.histogram(numbers, edges)
    low, high = edges[:-1], edges[1:]
    return {
        f"{key}.{first}.x": (low + high) / 2,
        f"{key}.{first}.y": counts,
        f"{key}.{first}.customdata": np.stack((low, high), -1),
        f"{key}.{first + 1}.x": numbers,
        f"{key}.{first + 1}.y": np.full(len(numbers), -0.05 * counts.max()),
        f"{key}.{first + 1}.customdata": range(len(numbers)),
    }


def ratio(before: np.ndarray, after: np.ndarray) -> float:
    low, high = sorted((before.std(), after.std()))
    return high / low


def above_the_tabs(ref: Reference) -> Expected:
    columns = parts(ref)
    before, after = columns["x"], columns[NORM]
    normalised = columns["÷ √(var + ε)"]
    right = np.histogram_bin_edges(np.concatenate((normalised, after)), BINS)
    left = before.min() + (right - normalised.min()) * np.ptp(before) / np.ptp(normalised)
    shown: dict[str, Any] = {"before_and_after.shapes": [], "before_and_after.notes": []}
    for i, (x, edges) in enumerate(((before, left), (normalised, right), (after, right))):
        shown |= histogram("before_and_after", 2 * i, x, edges)
        if i == 0:  # as many as once it is normalised, whatever rounding does to the edges
            shown["before_and_after.0.y"], _ = np.histogram(normalised, right)
            shown["before_and_after.1.y"] = [-0.05 * shown["before_and_after.0.y"].max()] * ref.C
        mean, spread = x.mean(), x.std()
        shown["before_and_after.shapes"] += [mean, mean, 0, 1, mean - spread, mean + spread, 0, 1]
        shown["before_and_after.notes"].append((mean, x.var()))
    shown["before_and_after_table.dimension"] = range(ref.C)
    shown |= {f"before_and_after_table.{name}": values for name, values in columns.items()}
    said = [
        ("bring each vector to one scale", 0, 1),
        ("The vector of token {}", AT, 0, f"{READ}[{AT}]", f"{NORM}[{AT}]", ref.C),
        (
            "Before this norm the numbers",
            *(before.std(), after.std(), ratio(before, after)),
            LAYER,
        ),
    ]
    return said, shown | chips("position_chips", ref.T, AT)


def by_hand(ref: Reference) -> Expected:
    columns = parts(ref)
    x, centred = columns["x"], columns["x − mean"]
    scale = 1 / math.sqrt(x.var() + 1e-5)
    short = {"÷ √(var + ε)": "× scale"}
    shown = {f"steps.{short.get(name, name)}": values[:8] for name, values in columns.items()}
    said = [
        (
            "scale = {} ÷ √(var + ε)",
            *(*x[:3], ref.C, x.mean(), *centred[:3], ref.C, x.var()),
            *(1, 1, x.var(), 1e-5, scale),
        ),
        ("The first {} of {} dimensions", 8, ref.C, f"{NORM}[{AT}]", ref.C),
        ("Computed by hand", ref.C, below(1e-5), 1e-5, 1),
    ]
    return said, shown | {"steps.dim.": range(8)}


def parameters(ref: Reference) -> Expected:
    both = {"γ": ref.weight(f"{NORM}.weight"), "β": ref.weight(f"{NORM}.bias")}
    shown: dict[str, Any] = {"parameters.shapes": [1, 1, 0, 1, 0, 0, 0, 1]}
    shown["parameters_table.dimension"] = range(ref.C)
    for i, (name, values) in enumerate(both.items()):
        edges = np.histogram_bin_edges(values, BINS)
        shown |= histogram("parameters", 2 * i, values, edges)
        shown[f"parameters_table.{name}"] = values
        order = np.argsort(-np.abs(values), kind="stable")[:8]
        shown[f"largest_{name}.dimension"] = order
        shown |= {f"largest_{name}.{column}": own[order] for column, own in both.items()}
    return [("How many dimensions have", 0, ref.C, 1, 0)], shown


def stages(ref: Reference) -> list[str]:
    return ["embed", *(name for i in range(ref.L) for name in (f"h.{i}.resid_mid", f"h.{i}"))]


def stream(ref: Reference) -> Expected:
    names, T = stages(ref), ref.T
    x = np.stack([ref.x[name] for name in names])  # (S, T, C)
    lengths, mean, spread = norm(x), x.mean(-1), x.std(-1)
    S, others = len(names), [i for i in range(T) if i != AT]
    mark = names.index(READ)
    dotted = [mark, mark, 0, 1]
    gaps = np.concatenate((lengths[:, others].T, np.full((T - 1, 1), np.nan)), -1)
    shown: dict[str, Any] = {
        "stream_norms.0.y": gaps,
        "stream_norms.0.customdata": [ref.named[i] for i in others for _ in range(S + 1)],
        "stream_norms.1.y": lengths[:, AT],
        "stream_norms.1.customdata": [ref.named[AT]] * S,
        "stream_norms.1.name": [ref.named[AT]],
        "stream_norms.yaxis": ticks(lengths),
        "stream_norms.shapes": dotted,
        "stream_spread.0.y": mean[:, AT] - spread[:, AT],
        "stream_spread.1.y": mean[:, AT] + spread[:, AT],
        "stream_spread.2.y": mean[:, AT],
        "stream_spread.2.customdata": spread[:, AT],
        "stream_spread.shapes": dotted,
        "stream_norms_table.position": [*range(T)] * S,
        "stream_spread_table.position": [AT] * S,
    }
    for name, values in {"mean": mean, "spread": spread, "norm": lengths}.items():
        shown[f"stream_norms_table.{name}"] = values
        shown[f"stream_spread_table.{name}"] = values[:, AT]
    said = [
        ("One line a token", S, T, ref.C, 0),
        ("The mean of the numbers", AT, S, ref.C, 0, 1),
    ]
    return said, shown


def without(ref: Reference) -> Expected:
    untouched = torch.tensor(ref.x[READ])[None]
    other = ref.run({ref.theirs.transformer.h[LAYER].ln_2: lambda _: untouched})
    log_p, log_q = ref.log_p, log_softmax(other["logits"])
    apart = (np.exp(log_p) * (log_p - log_q)).sum(-1)
    names = stages(ref)
    both = [norm(np.stack([run[name][AT] for name in names])) for run in (ref.x, other)]
    mark = names.index(READ)
    shown: dict[str, Any] = {
        "lengths_compared.0.y": both[0],
        "lengths_compared.1.y": both[1],
        "lengths_compared.yaxis": ticks(np.concatenate(both)),
        "lengths_compared.shapes": [mark, mark, 0, 1],
        "lengths_compared_table.with": both[0],
        "lengths_compared_table.without": both[1],
        "divergences.0.x": ref.named,
        "divergences.0.y": apart,
        "divergences.xaxis": ref.named,
        "divergences_table.position": range(ref.T),
        "divergences_table.KL divergence (nats)": apart,
    }
    for key, values in (("with", log_p[AT]), ("without", log_q[AT])):
        ids = np.argsort(-values)[:10]
        shown[f"likeliest_{key}.id"] = ids
        shown[f"likeliest_{key}.with"] = np.exp(log_p[AT, ids])
        shown[f"likeliest_{key}.without"] = np.exp(log_q[AT, ids])
    said = [
        ("Here the model ran again", AT, math.exp(apart[AT]), apart[AT], 0),
        ("The length (norm) of the chosen token's vector", AT, len(names), ref.C, 0),
        ("How far apart the two guesses", 0, ref.T),
    ]
    return said, shown


TABS = {
    "by-hand": by_hand,
    "parameters": parameters,
    "stream": stream,
    "without": without,
}
PICTURES = (
    *("before_and_after", "parameters", "stream_norms", "stream_spread"),
    *("lengths_compared", "divergences"),
)


def look(read: Read, models: Models, tab: str) -> None:
    """One tab."""
    ref = models.ref
    page = read("layer_norms", PICTURES, tab=tab, norm=NORM, position=AT)
    page.holds(ref.around(AT), above_the_tabs(ref), TABS[tab](ref))


VIEWS = {tab: partial(look, tab=tab) for tab in TABS}
