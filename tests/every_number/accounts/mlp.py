"""The page MLP: hidden units on the curve of their function, one of them, and how many fire."""

import math
from functools import partial
from typing import Any

import numpy as np

from accounts.common import Expected, Models, Read, chips
from accounts.reference import Reference

AT, LAYER = 7, 1
AT_IT = f"h.{LAYER}.mlp"


def gelu(x: np.ndarray) -> np.ndarray:
    return 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))


def most_active(ref: Reference) -> np.ndarray:
    return np.argsort(-np.abs(ref.x[f"{AT_IT}.act"][AT]))


def units(ref: Reference) -> Expected:
    pre, act = (ref.x[f"{AT_IT}.{name}"][AT] for name in ("pre", "act"))
    n, active, order = len(pre), int((pre > 0).sum()), most_active(ref)[:12]
    reach = max(4.0, np.abs(pre).max())
    x = np.linspace(-reach, reach, 200)
    own = gelu(x)
    spans = {"pre": (x[0], x[-1]), "act": (min(-0.5, own.min()), own.max())}
    limit = np.abs(act[order]).max()
    shown: dict[str, Any] = {
        "units.0.x": x,
        "units.0.y": np.maximum(x, 0),
        "units.1.x": x,
        "units.1.y": own,
        "units.2.x": pre,
        "units.2.y": act,
        "units.2.customdata": range(n),
        "neuron_board.columns": [str(i) for i in order],
        "neuron_board.ends": [(-limit,), (limit,)],
        "neuron_board.sent": act[order],
        "units_table.neuron": range(n),
        "units_table.pre": pre,
        "units_table.act": act,
        "most_active_table.neuron": order,
        "most_active_table.pre": pre[order],
        "most_active_table.act": act[order],
    }
    for i, (name, values) in enumerate({"pre": pre, "act": act}.items(), start=3):
        counts, edges = np.histogram(values, 60, spans[name])
        along, across = ("x", "y") if name == "pre" else ("y", "x")
        shown[f"units.{i}.{along}"] = (edges[1:] + edges[:-1]) / 2
        shown[f"units.{i}.{across}"] = counts
    most = order[0]
    said = [
        ("hidden units of layer {}", active, n, LAYER, 0, active / n, 0, most, act[most]),
        ("Each dot is a hidden unit", f"{AT_IT}.pre[{AT}]", f"{AT_IT}.act[{AT}]", n, 0, 0),
    ]
    return said, shown


def neuron(ref: Reference) -> Expected:
    act = ref.x[f"{AT_IT}.act"]
    order = most_active(ref)
    i = int(order[0])
    own = act[:, i]
    wte = ref.weight("wte.weight")
    out = ref.weight(f"{AT_IT}.c_proj.weight")[i]
    effect = wte @ ((out - out.mean()) * ref.weight("ln_f.weight"))
    effect -= effect.mean()
    normed = (wte - wte.mean(-1, keepdims=True)) / np.sqrt(wte.var(-1, keepdims=True) + 1e-5)
    normed = normed * ref.weight(f"h.{LAYER}.ln_2.weight") + ref.weight(f"h.{LAYER}.ln_2.bias")
    reads = normed @ ref.weight(f"{AT_IT}.c_fc.weight")[:, i]
    lists = {"promotes": (effect, effect), "suppresses": (effect, -effect)}
    lists["reads for"] = (reads, reads)
    shown: dict[str, Any] = {
        "neuron.label": [str(n) for n in order],
        "fires.0.x": ref.named,
        "fires.0.y": own,
        "fires.xaxis": ref.named,
        "fires_table.position": range(ref.T),
        "fires_table.pre": ref.x[f"{AT_IT}.pre"][:, i],
        "fires_table.act": own,
        "neuron_does_table.id": [],
        "neuron_does_table.effect": [],
    }
    for name, (values, by) in lists.items():
        ids = np.argsort(-by)[:10].tolist()
        columns = {"id": ids, "effect": values[ids].tolist()}
        for column, numbers in columns.items():
            shown[f"It **{name}**.{column}"] = numbers
            shown[f"neuron_does_table.{column}"] += numbers
    most = int(own.argmax())
    fires = own[most] > 0
    weights = f"{AT_IT}.c_proj.weight[:, {i}], {AT_IT}.c_fc.weight[{i}]"
    said = [
        ("neuron {} fires most", i, most, own[most]) if fires else ("stays below {}", i, 0),
        ("A bar a token of your text", f"{AT_IT}.act[:, {i}]", ref.T),
        ("A neuron's output is one direction", weights, ref.C, 1, 2022),
    ]
    return said, shown


def active(ref: Reference) -> Expected:
    share = np.stack([(ref.x[f"h.{i}.mlp.pre"] > 0).mean(-1) for i in range(ref.L)])
    mean = share.mean(-1)
    most, least = int(mean.argmax()), int(mean.argmin())
    layers, positions = np.indices(share.shape).reshape(2, -1)
    width = 4 * ref.C
    shown = {
        "share_board.columns": ref.named,
        "share_board.ends": [(0,), (1,)],
        "share_board.chosen": [LAYER, AT],
        "share_board.sent": share,
        "share_table.layer": layers,
        "share_table.position": positions,
        "share_table.share": share,
    }
    said = [
        ("Busiest is layer {}", most, mean[most], 0, least, mean[least]),
        ("Each cell is the share", 0, 0, ref.L, ref.T, width),
    ]
    return said, shown


TABS = {"units": units, "neuron": neuron, "active": active}


def look(read: Read, models: Models, tab: str) -> None:
    """One tab."""
    ref = models.ref
    numbers = ("units", "most_active", "fires", "neuron_does", "share")
    page = read("mlp", numbers, tab=tab, layer=LAYER, position=AT)
    more: dict[str, Any] = {"layer": [0, ref.L - 1, LAYER], **chips("position_chips", ref.T, AT)}
    page.holds(ref.around(AT), ([], more), TABS[tab](ref))


VIEWS = {tab: partial(look, tab=tab) for tab in TABS}
