"""The page Dropout: a few numbers, the mean of many masks, and places of the text's run."""

from functools import partial
from typing import Any

import numpy as np
import torch

from accounts.common import Expected, Models, Read
from accounts.reference import Reference

P, SEED, LAYER, HEAD, MASKS = 0.35, 4, 1, 2, 1000
NUMBERS = np.array([[0.5, -1.25, 2], [0.8, 1, -0.3]])


def mask(*shape: int) -> np.ndarray:
    """1 where a number stays."""
    drawn = torch.rand(*shape, generator=torch.Generator().manual_seed(SEED))
    return (drawn >= P).double().numpy()


def shares() -> dict[str, Any]:
    """The control of p."""
    name = "p: the share that is set to 0"
    return {"drop.label": [name, *(f"{step / 20:g}" for step in range(19))]}


def numbers(_: Reference) -> Expected:
    stays = mask(*NUMBERS.shape)
    R, C = NUMBERS.shape
    rows, columns = np.indices(NUMBERS.shape)
    after = NUMBERS * stays / (1 - P)
    shown = shares()
    for i, grid in enumerate((NUMBERS, stays, after)):
        cells = [*zip(rows.ravel(), columns.ravel(), grid.ravel(), strict=True)]
        shown |= {
            f"dropout_{i}.0.z": grid,
            f"dropout_{i}.1.customdata": cells,
            f"dropout_{i}.1.text": [(value,) for value in grid.ravel()],
            f"dropout_{i}.1.x": columns,
            f"dropout_{i}.1.y": rows,
            f"dropout_{i}.xaxis": [str(column) for column in range(C)],
            f"dropout_{i}.yaxis": [f"row {row}" for row in range(R)],
        }
    shown["dropout_1.title"] = [(1,)]
    table = {"row": rows, "column": columns, "before": NUMBERS, "after": after}
    shown |= {f"dropout_table.{name}": values for name, values in table.items()}
    gone = int((stays == 0).sum())
    said = [
        ("What stays is divided by", gone, R * C, 0, 1, P, 1 / (1 - P)),
        ("Change the seed", 1, R, C, 2014),
    ]
    return said, shown


def masks(_: Reference) -> Expected:
    n = np.arange(1, MASKS + 1)
    mean = np.cumsum(mask(MASKS)) / n
    columns = {"masks": n, "scaled": mean / (1 - P), "not scaled": mean}
    shown = {
        **shares(),
        "averages.0.name": [(1,)],
        "averages.0.x": n,
        "averages.0.y": columns["scaled"],
        "averages.1.x": n,
        "averages.1.y": mean,
        **{f"averages_table.{name}": values for name, values in columns.items()},
    }
    said = [
        ("without the division by", MASKS, 1, columns["scaled"][-1], 1, P, mean[-1]),
        ("With the scaling the mean comes to", 1, 1, 1, MASKS, 0, 1, 10, 100, 1000),
    ]
    return said, shown


def places(ref: Reference, place: str) -> Expected:
    """One of the places, as a step of training would leave it."""
    config, at = ref.theirs.config, f"h.{LAYER}.attn"
    name, before, p = {
        "embeddings": ("embed", ref.x["embed"], config.embd_pdrop),
        "attention": (f"{at}.pattern[{HEAD}]", ref.patterns[LAYER, HEAD], config.attn_pdrop),
        "results": (at, ref.x[at], config.resid_pdrop),
    }[place]
    stays = mask(*before.shape)
    after = before * stays / (1 - P)
    rows, columns = np.indices(before.shape)
    is_square = place == "attention"
    labels = ref.named if is_square else [str(i) for i in range(ref.C)]
    shown = shares()
    for i, grid in enumerate((before, after)):
        shown |= {
            f"dropped_{i}.0.x": labels,
            f"dropped_{i}.0.y": ref.named,
            f"dropped_{i}.0.z": grid,
            f"dropped_{i}.yaxis": ref.named,
        }
        if is_square:
            shown[f"dropped_{i}.xaxis"] = ref.named
    table = {"position": rows, "at": columns, "before": before, "after": after}
    shown |= {f"dropped_table.{column}": values for column, values in table.items()}
    if place != "embeddings":
        shown["layer"] = [0, ref.L - 1, LAYER]
    if is_square:
        shown["head"] = [0, ref.H - 1, HEAD]
    gone = int((stays == 0).sum())
    said = [
        ("in this step of training", name, gone, before.size, 0, p),
        ("nothing is really left out", name, *before.shape, *([1] if is_square else [])),
    ]
    return said, shown


def look(read: Read, models: Models, tab: str) -> None:
    """One tab, or one of the places."""
    ref = models.ref
    chosen: dict[str, Any] = {"drop": P, "drop_seed": SEED}
    if tab in TABS:
        key, expected = TABS[tab]
        if tab == "numbers":
            chosen["drop_numbers"] = "; ".join(", ".join(map(str, row)) for row in NUMBERS)
        page, found = read("dropout", [key], tab=tab, **chosen), expected(ref)
    else:
        chosen |= {"drop_at": tab, "layer": LAYER, "head": HEAD}
        page, found = read("dropout", ["dropped"], tab="places", **chosen), places(ref, tab)
    page.holds((ref.around(0)[0], {}), found)


TABS = {"numbers": ("dropout", numbers), "masks": ("averages", masks)}
VIEWS = {tab: partial(look, tab=tab) for tab in (*TABS, "embeddings", "attention", "results")}
