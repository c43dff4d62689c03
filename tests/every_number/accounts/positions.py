"""The page Positions: waves, learnt vectors, their sum with a token, and the text shuffled."""

from functools import partial
from typing import Any

import numpy as np
import torch

from accounts.common import Expected, Models, Read, chips
from accounts.reference import Reference, log_softmax

AT, SEED, SHOWN = 6, 4, 10


def waves(ref: Reference, n: int) -> np.ndarray:
    """Sines and cosines of the first positions, as in Attention Is All You Need."""
    even = ref.C + ref.C % 2
    rates = 10000.0 ** (-np.arange(0, even, 2) / even)
    angles = np.arange(n)[:, None] * rates
    found = np.empty((n, even))
    found[:, ::2], found[:, 1::2] = np.sin(angles), np.cos(angles)
    return found[:, : ref.C]


def matrix(ref: Reference, kind: str) -> Expected:
    values = waves(ref, ref.context) if kind == "waves" else ref.weight("wpe.weight")
    shown = {
        "position_kind.label": [(2017,)],
        "position_matrix.0.z": values,
        "position_matrix.0.y": range(ref.context),
        "position_matrix_table.position": range(ref.context),
        **{f"position_matrix_table.{i}": values[:, i] for i in range(ref.C)},
    }
    formula = (10000,) if kind == "waves" else ()
    said: list[tuple] = [
        ("Each row is the vector of one position", 0, *formula, ref.context, ref.C, 128, 256),
    ]
    if kind == "waves":
        said.append(("Each pair of columns", 2 * np.pi, 63_000))
    return said, shown


def added(ref: Reference) -> Expected:
    token, place = ref.x["wte"][AT], ref.x["wpe"][AT]
    both = np.stack([token, place, token + place])
    cells = both[:, :SHOWN]
    rows, columns = np.indices(cells.shape)
    shown = {
        "position_added.0.z": cells,
        "position_added.1.customdata": [*zip(columns.ravel(), cells.ravel(), strict=True)],
        "position_added.1.text": [(value,) for value in cells.ravel()],
        "position_added.1.x": columns,
        "position_added.1.y": rows,
        "position_added.xaxis": [str(i) for i in range(SHOWN)],
        "position_added.title": [(SHOWN, ref.C)],
        "position_added_table.dimension": range(ref.C),
        "position_added_table.token": token,
        "position_added_table.position": place,
        "position_added_table.sum": both[2],
        "position_added_table.recorded": ref.x["embed"][AT],
    }
    lengths = np.linalg.norm(both, axis=-1)
    said = [
        ("stands at position", AT, *lengths),
        ("In each column, the first two", AT, AT, AT, ref.C, 0),
        ("In this run", AT, lambda error: 0 <= error <= 1e-5),
    ]
    return said, shown


def shuffled(ref: Reference) -> Expected:
    before, draw = ref.ids[:-1], np.random.default_rng(SEED)
    other = before
    while other == before:
        other = [before[i] for i in draw.permutation(len(before))]
    own = ref.weight("wpe.weight")[: ref.T]
    scaled = waves(ref, ref.T)
    scaled = scaled * np.linalg.norm(own, axis=-1).mean() / np.linalg.norm(scaled, axis=-1).mean()
    kinds = {"own": own, "waves": scaled, "none": 0 * own}
    moved: dict[str, list[float]] = {}
    shifts = []
    wpe = ref.theirs.transformer.wpe
    for name, vectors in kinds.items():
        change = {wpe: lambda x, vectors=vectors: torch.from_numpy(vectors).to(x)[None]}
        runs = [
            Reference(ref.theirs, ids, ref.tokens).run(change)
            for ids in (ref.ids, [*other, ref.ids[-1]])
        ]
        moved[name] = []
        for stage in ref.stages:
            a, b = (run[stage][-1] for run in runs)
            moved[name].append(np.linalg.norm(b - a) / np.linalg.norm(a))
        p, q = (np.exp(log_softmax(run["logits"][-1])) for run in runs)
        shifts.append(np.abs(p - q).sum() / 2)
    shown: dict[str, Any] = {
        "guesses_shown.moved": shifts,
        "guesses_table.moved": shifts,
    }
    for i, (name, values) in enumerate(moved.items()):
        shown[f"shuffling.{i}.y"] = values
        shown[f"shuffling_table.{name}"] = values
    ends = [moved[name][-1] for name in ("none", "waves", "own")]
    said = [
        ("Without positions, the last token", moved["none"][1], 0, moved["own"][1], *ends),
        ("How far the last token's vector is", len(ref.stages), ref.C, 2022),
        ("How much of the guess moved", 0, 1, -1, ref.V),
    ]
    return said, shown


def look(read: Read, models: Models, tab: str, kind: str = "waves") -> None:
    """One tab."""
    ref = models.ref
    keys = {"matrix": ("position_matrix",), "added": ("position_added",)}
    chosen = {"position": AT, "position_kind": kind, "order_seed": SEED}
    page = read("positions", keys.get(tab, ("shuffling", "guesses")), tab=tab, **chosen)
    around = ref.around(AT)[0], chips("position_chips", ref.T, AT)
    found = {"added": added, "shuffled": shuffled}
    page.holds(around, matrix(ref, kind) if tab == "matrix" else found[tab](ref))


VIEWS = {
    "waves": partial(look, tab="matrix"),
    "own": partial(look, tab="matrix", kind="own"),
    "added": partial(look, tab="added"),
    "shuffled": partial(look, tab="shuffled"),
}
