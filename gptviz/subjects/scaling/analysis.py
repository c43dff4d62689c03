"""How the loss of trained models falls with their size, and with what was calculated for it."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from gptviz import parameters
from gptviz.config import GPTConfig
from gptviz.runs import Run
from gptviz.subjects.anatomy import work_analysis
from gptviz.subjects.scaling.law_analysis import (
    FEWEST,
    Choose,
    Law,
    PowerLaw,
    all_of,
    fit,
    frontier,
)
from gptviz.training.record import metrics

Size = Literal["without", "all"]  # without embeddings, or with them
Compute = Literal["six", "counted"]
SIZES: dict[Size, str] = {"without": "parameters without embeddings", "all": "all parameters"}
COMPUTES: dict[Compute, str] = {"six": "6 · N · tokens", "counted": "counted FLOPs"}
COLUMNS = (
    *("model", *SIZES.values(), "step", "steps", "tokens"),
    *(*COMPUTES.values(), "val_loss"),
)


@dataclass(frozen=True, eq=False)
class Found:
    """Points, and the law nearest to them."""

    points: pd.DataFrame  # model, what is on the x-axis, val_loss, and law: what it says there
    x: str  # the column of the x-axis
    law: PowerLaw | None  # None where there are too few models
    every: tuple[np.ndarray, np.ndarray, np.ndarray]  # x, loss and model, as `draws` takes them

    @property
    def n_models(self) -> int:
        """How many models there are."""
        return len(np.unique(self.every[2]))


def flops(config: GPTConfig) -> float:
    """Operations to train on one token, in the mean over a context, as Anatomy counts them.

    Going back through the model takes twice as many as going forward.
    """
    ends = (work_analysis.flops(config, n) for n in (1, config.block_size))
    return 3 * sum(ends) / 2  # from token to token, the number rises by as much each time


def courses(runs: Iterable[Run]) -> pd.DataFrame:
    """What runs have validated so far: a row a validation, with the columns COLUMNS.

    6 · N · tokens is the usual estimate of the FLOPs, with N the parameters without embeddings:
    two a parameter forwards, four backwards (Kaplan et al., 2020, section 2.1). val_loss is in nats
    a token. The models stand from the smallest to the largest.
    """
    found = []
    for run in runs:
        config, course = run.config, metrics.read(run.folder)
        steps, losses = course.validations
        tokens = steps * config.tokens_per_step
        size = parameters.without_embeddings(config.model)
        numbers = (
            *(_named(config.model), size, parameters.count(config.model)),
            *(steps.astype(int), config.steps, tokens.astype(int)),
            *(6.0 * size * tokens, flops(config.model) * tokens, losses),
        )
        found.append(pd.DataFrame(dict(zip(COLUMNS, numbers, strict=True))))
    if not found:
        return pd.DataFrame(columns=COLUMNS)
    table = pd.concat(found, ignore_index=True)
    return table.sort_values([SIZES["without"], "step"], kind="stable", ignore_index=True)


def ends(table: pd.DataFrame) -> pd.DataFrame:
    """The last rows of `courses`, a row a model: of those alone that have taken all their steps."""
    return table[table["step"] == table["steps"]].reset_index(drop=True)


def by_size(table: pd.DataFrame, counted: Size = "without", law: Law = "line") -> Found:
    """The last losses of `courses` over their models' sizes, and the law nearest to them."""
    return _found(ends(table), SIZES[counted], law, all_of)


def by_compute(table: pd.DataFrame, counted: Compute = "six", law: Law = "line") -> Found:
    """The lowest losses of `courses` for each amount of compute, and the law nearest to them.

    What takes less than the whole run of the smallest model does not count: there, models that are
    smaller still would be better.
    """
    x = COMPUTES[counted]
    shortest = table.groupby("model")[x].max().min()
    return _found(table[table[x] >= shortest], x, law, frontier)


def _found(table: pd.DataFrame, x: str, law: Law, choose: Choose) -> Found:
    losses, model = table["val_loss"].to_numpy(float), pd.factorize(table["model"])[0]
    every = table[x].to_numpy(float), losses, model
    chosen = choose(*every[:2])
    points = pd.DataFrame({x: chosen[0], "val_loss": chosen[1]})
    points = points.merge(table[["model", x, "val_loss"]], how="left")[["model", x, "val_loss"]]
    enough = len(np.unique(model)) >= FEWEST[law] and len(np.unique(chosen[0])) >= FEWEST[law]
    nearest = fit(*chosen, law) if enough else None
    if nearest:
        points["law"] = nearest.at(points[x].to_numpy(float))
    return Found(points, x, nearest, every)


def _named(config: GPTConfig) -> str:
    return f"{config.n_layer} × {config.n_embd}"
