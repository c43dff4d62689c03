"""The learning rate of each step, as the trainer has it, and six short runs that differ in it."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd

from gptviz.jobs import experiments
from gptviz.subjects.downhill import gpt_analysis
from gptviz.training.config import Schedule, TrainingConfig
from gptviz.training.optimizer import learning_rate as rate_at

STEPS = 200  # of what is drawn, and of the six runs
MOST_POINTS = 400  # of one line
LAST = 20  # steps over which the six runs are compared


def rates(
    schedule: Schedule = "cosine",
    steps: int = 1000,
    warmup_steps: int = 50,
    learning_rate: float = 1e-3,
    min_learning_rate: float = 1e-4,
    decay_steps: int = 0,
) -> pd.DataFrame:
    """The learning rate of a run with these settings: step (from 1), rate.

    At most MOST_POINTS steps, spread evenly; the end of the warm-up is one of them.
    """
    config = replace(
        gpt_analysis.settings(),
        schedule=schedule,
        steps=steps,
        warmup_steps=warmup_steps,
        learning_rate=learning_rate,
        min_learning_rate=min_learning_rate,
        decay_steps=decay_steps,
    )
    chosen = np.linspace(0, steps - 1, min(steps, MOST_POINTS)).round().astype(int)
    if 0 < warmup_steps <= steps:
        chosen = np.union1d(chosen, warmup_steps - 1)
    return pd.DataFrame(
        {"step": chosen + 1, "rate": [rate_at(int(step), config) for step in chosen]}
    )


def six(warmup_share: float = 0.1, last_share: float = 0.1) -> pd.DataFrame:
    """Six schedules of 200 steps, as shares of the highest rate.

    warmup_share is which share of the steps a warm-up takes, last_share the last rate as a share
    of the highest. Columns: step (from 1), and the rate by the keys of the experiment's runs.
    """
    columns = {
        name: [rate_at(step, config) for step in range(STEPS)]
        for name, config in _runs(1.0, warmup_share, last_share).items()
    }
    return pd.DataFrame({"step": range(1, STEPS + 1), **columns})


def courses(
    highest: float = 0.1,
    seed: int = 0,
    progress: Callable[[int, int], None] = lambda done, whole: None,
) -> pd.DataFrame:
    """The loss of one tiny GPT step by step, with each of the six schedules.

    All begin with the same weights and read the same batches, with AdamW; the warm-up takes a tenth
    of the steps, and the last rate is a tenth of the highest. progress is told how many of all
    steps are done. Columns: step (from 1), and a loss in nats a token for each schedule.
    """
    runs = _runs(highest, 0.1, 0.1)
    found = {}
    for i, (name, config) in enumerate(runs.items()):
        progress(i * STEPS, len(runs) * STEPS)
        found[name] = gpt_analysis.losses(config, seed)
    return pd.DataFrame({"step": range(1, STEPS + 1), **found})


def _runs(highest: float, warmup_share: float, last_share: float) -> dict[str, TrainingConfig]:
    config = replace(
        gpt_analysis.settings(),
        steps=STEPS,
        warmup_steps=round(warmup_share * STEPS),
        learning_rate=highest,
        min_learning_rate=last_share * highest,
    )
    return experiments.schedules(config)
