"""The page Scaling: the losses that ship over size and compute, beside numpy's own lines."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from accounts.common import Models, Read

SHIPPED = Path(__file__).parents[3] / "gptviz" / "subjects" / "scaling" / "ready.json"
N, ALL, SIX = "parameters without embeddings", "all parameters", "6 · N · tokens"
Line = tuple[float, float]  # log-height at log x = 0, slope
YEARS = {"Kaplan": 2020, "Hoffmann": 2022, "Pearce": 2024}
PUBLISHED = {N: (0.076, 0.34), SIX: (0.050, 0.34 * 0.28 / (0.34 + 0.28))}
PLACES, BEYOND, DRAWS, FEWEST = 60, 1.6, 1000, 3


@cache
def shipped() -> dict[str, Any]:
    """The file that ships."""
    return json.loads(SHIPPED.read_text(encoding="utf-8"))


def courses() -> pd.DataFrame:
    return pd.DataFrame(shipped()["courses"])


def line(x: np.ndarray, y: np.ndarray) -> Line:
    """The straight line on two logarithmic axes."""
    slope, height = np.polyfit(np.log(x), np.log(y), 1)
    return height, slope


def with_slope(x: np.ndarray, y: np.ndarray, slope: float) -> Line:
    """The same with a slope that is given."""
    return (np.log(y) - slope * np.log(x)).mean(), slope


def at(law: Line, x: np.ndarray) -> np.ndarray:
    """What a line says at each x."""
    return np.exp(law[0] + law[1] * np.log(x))


def lowest(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Which points no other beats with less, from left to right."""
    order = np.lexsort((y, x))
    return np.array([i for i in order if not (y[x < x[i]] < y[i]).any()])


def drawn(table: pd.DataFrame, x: str, is_frontier: bool) -> list[Line]:
    """The lines of models drawn again and again, with seed 0."""
    models = [
        rows[[x, "val_loss"]].to_numpy(float) for _, rows in table.groupby("model", sort=False)
    ]
    found = []
    for which in np.random.default_rng(0).integers(0, len(models), (DRAWS, len(models))):
        points = np.concatenate([models[i] for i in which])
        if is_frontier:
            points = points[lowest(*points.T)]
        if len(np.unique(points[:, 0])) >= FEWEST:
            found.append(line(*points.T))
    return found


def laws(key: str, first: int, x: str, points: pd.DataFrame, lines: list[Line]) -> tuple:
    """The band, both lines, the tables, and the numbers of the sentence.

    first is the number of the band among the traces.
    """
    sizes, losses = points[x].to_numpy(float), points["val_loss"].to_numpy()
    law, theirs = line(sizes, losses), with_slope(sizes, losses, -PUBLISHED[x][0])
    places = np.geomspace(sizes[0] / BEYOND, sizes[-1] * BEYOND, PLACES)
    low, high = np.quantile([at(one, places) for one in lines], [0.025, 0.975], axis=0)
    exponents = [-slope for _, slope in lines]
    ends = np.quantile(exponents, [0.025, 0.975])
    axis = key.removeprefix("loss_")
    shown = {
        f"{key}.{first}.name": [(95, 100)],
        f"{key}.{first}.x": [places, places[::-1]],
        f"{key}.{first}.y": [high, low[::-1]],
        f"{key}.{first + 1}.name": [(-law[1],)],
        f"{key}.{first + 1}.x": places,
        f"{key}.{first + 1}.y": at(law, places),
        f"{key}.{first + 2}.name": [(PUBLISHED[x][0],)],
        f"{key}.{first + 2}.x": places,
        f"{key}.{first + 2}.y": at(theirs, places),
        f"{key}.{first + 3}.text": points["model"].tolist(),
        f"{key}.{first + 3}.x": sizes,
        f"{key}.{first + 3}.y": losses,
        f"{key}_table.model": points["model"].tolist(),
        f"{key}_table.{x}": sizes,
        f"{key}_table.val_loss": losses,
        f"{key}_table.law": at(law, sizes),
        f"exponents_{axis}_table.exponent": [-law[1], *ends, *PUBLISHED[x]],
        f"exponents_{axis}_table.floor": [0, 0, 0, 0, 1.69],
        f"exponents_{axis}_table.whose": [(YEARS["Kaplan"],), (YEARS["Hoffmann"],)],
    }
    fell = (sizes[-1] / sizes[0], losses[0], losses[-1])
    return shown, fell, (-law[1], 10 ** law[1], 95, 100, *ends, YEARS["Kaplan"], PUBLISHED[x][0])


def by_size(read: Read, models: Models) -> None:  # noqa: ARG001 - it opens without a model
    """The last losses over sizes."""
    table = courses()
    table = table[table["step"] == table["steps"]].reset_index(drop=True)
    shown, fell, told = laws("loss_by_size", 0, N, table, drawn(table, N, is_frontier=False))
    shown["loss_by_size.xaxis"] = [f"{d * 10**p:,}" for p in range(3, 7) for d in (1, 2, 5)]
    shown["loss_by_size.yaxis"] = [f"{tick / 20:g}" for tick in steps(table["val_loss"], 0.05)]
    ends = (table[N].iloc[0], table[N].iloc[-1])
    said = [
        ("the loss goes from", *ends, *fell),
        ("the loss falls as N", *told),
        ("Each point is a model", len(table), 95, 100, YEARS["Pearce"]),
    ]
    read("scaling", ["loss_by_size"]).holds((said, shown))


def by_compute(read: Read, models: Models) -> None:  # noqa: ARG001
    """The courses over compute, and the lowest losses."""
    table = courses()
    long = table[table[SIX] >= table.groupby("model")[SIX].max().min()]
    x, y = long[SIX].to_numpy(float), long["val_loss"].to_numpy()
    points = long.iloc[lowest(x, y)]
    by_model = list(table.groupby("model", sort=False))
    shown, fell, told = laws("loss_by_compute", len(by_model), SIX, points, drawn(long, SIX, True))
    for i, (_, rows) in enumerate(by_model):
        shown |= {f"loss_by_compute.{i}.{at}": rows[of].to_numpy() for at, of in LINES.items()}
        for label in ("name", "text"):
            shown[f"loss_by_compute.{i}.{label}"] = [rows["model"].iloc[0]]
    low, high = (f"{value:.1e}".split("e") for value in (points[SIX].iloc[0], points[SIX].iloc[-1]))
    shown |= {
        "counted_compute.label": [(6,)],
        "loss_by_compute.xaxis": [(6,)],
        "loss_by_compute.yaxis": [f"{tick / 5:g}" for tick in steps(table["val_loss"], 0.2)],
    }
    said = [
        ("the loss goes from", float(low[0]), float(high[0]), *fell),
        ("the loss falls as C", *told),
        ("Each line is a model", len(by_model), len(table), 95, 100, 6, 3, YEARS["Hoffmann"]),
    ]
    read("scaling", ["loss_by_compute"], tab="compute").holds((said, shown))


def limits(read: Read, models: Models) -> None:  # noqa: ARG001
    """What such runs cannot say."""
    last = courses().groupby("model", sort=False).tail(1)
    n, smallest = int(last[N].max()), last.iloc[0]
    tokens, taken = last["tokens"].max(), last["steps"].max()
    share = 1 - smallest[N] / smallest[ALL]
    papers = YEARS["Kaplan"], YEARS["Hoffmann"]
    listed = (n, papers[0], 1.5e9 / n, tokens, taken, *papers, 0.28, papers[1], 1.69)
    table = (int(smallest[N]), n, tokens, tokens, papers[0], 768, 1.5, 22e6, 2.3)
    said = [
        ("Larger models", *listed, smallest[ALL], share),
        ("smallest model", *table, papers[1], 70e6, 1.6, 5.0, 5.0),
    ]
    read("scaling", tab="limits").holds((said, {}))


def train(read: Read, models: Models) -> None:  # noqa: ARG001
    """What it takes to train the same."""
    layers, widths = zip(*(map(int, name.split(" × ")) for name in courses()["model"]), strict=True)
    told = shipped()["about"]
    ends = (layers[0], layers[-1], widths[0], widths[-1])
    taken = (2000, 16, 64, 0, told["torch"], int(told["minutes"]))
    read("scaling", tab="train").holds(([("layers and a width of", 8, *ends, *taken)], {}))


LINES = {"x": SIX, "y": "val_loss"}


def steps(losses: pd.Series, step: float) -> range:
    """The ticks of the axis of losses, in steps."""
    high = losses.quantile(0.95)
    return range(int(losses.min() // step), int(np.ceil(high / step)) + 1)


VIEWS = {"by size": by_size, "by compute": by_compute, "limits": limits, "train": train}
