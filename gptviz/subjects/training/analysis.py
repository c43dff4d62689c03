"""What runs recorded, as tables: the numbers of every step, and losses side by side."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from gptviz import parameters
from gptviz.runs import Run
from gptviz.runs.compare import Axis, Curve, names
from gptviz.subjects.tokens.analysis import token_table
from gptviz.training import data
from gptviz.training.config import TokenizerKind
from gptviz.training.optimizer import learning_rate
from gptviz.training.record import metrics as recorded

MOST_TO_COME = 200  # steps that are drawn before a run has taken them


def metrics(run: Run) -> pd.DataFrame:
    """A row a step, with its losses, rate and gradient norm, and what its time went to."""
    course = recorded.read(run.folder)
    return pd.DataFrame({name: course[name] for name in (*recorded.COLUMNS, *recorded.PARTS)})


def first_tokens(
    text: Path, kind: TokenizerKind, bpe_vocab_size: int = 2048, end_of_text: bool = False
) -> pd.DataFrame:
    """The first 100 tokens of a text as a run reads it, a row a token: see `token_table`."""
    info = data.check(text, kind, bpe_vocab_size, end_of_text)
    return token_table(info.tokenizer, info.first)


def to_come(run: Run) -> pd.DataFrame:
    """The steps that a run still has to take, from its last one on, and the rates of its schedule.

    A rate that was changed by hand scales what is left, as it does in the run. At most 200 steps,
    spread evenly; none if the run has taken no step or all, or another version wrote its settings.
    Columns: step, rate.
    """
    course = recorded.read(run.folder)
    try:
        config = run.config
    except ValueError:
        return pd.DataFrame({"step": [], "rate": []})
    done = int(course["step"][-1]) if len(course) else 0
    if not 0 < done < config.steps:
        return pd.DataFrame({"step": [], "rate": []})
    scale = course["lr"][-1] / learning_rate(done - 1, config)
    scale = scale if np.isfinite(scale) else 1.0  # a row may lack its rate
    steps = np.unique(np.linspace(done, config.steps, MOST_TO_COME).round().astype(int))
    rates = [scale * learning_rate(int(step) - 1, config) for step in steps]
    return pd.DataFrame({"step": steps, "rate": rates})


def last_rate(run: Run) -> tuple[int, float]:
    """The step from which on the learning rate of a longer run stays, and what it is there.

    A rate that was changed by hand scales the schedule. Raises ValueError for settings that cannot
    be read.
    """
    config = run.config
    last = config.decay_steps or max(config.steps, config.warmup_steps)
    highest = run.rates[-1]["learning_rate"] if run.rates else config.learning_rate
    return last, learning_rate(last, config) * highest / config.learning_rate


def losses(curves: Sequence[Curve], axis: Axis) -> pd.DataFrame:
    """A row for every point of every curve; NaN where the held-out text was not read."""
    frames = []
    for curve in curves:
        validated = dict(zip(curve.val_x.tolist(), curve.val_loss.tolist(), strict=True))
        at_points = [validated.get(x, np.nan) for x in curve.x.tolist()]
        columns = {axis: curve.x, "train_loss": curve.train_loss, "val_loss": at_points}
        frames.append(pd.DataFrame({"run": curve.name, **columns}))
    return pd.concat(frames) if frames else pd.DataFrame()


def by_size(runs: Sequence[Run]) -> pd.DataFrame:
    """The best validation loss of runs over their models' sizes, the smallest model first.

    Columns: run, parameters (without embeddings), best_val_loss (nats a token). Left out are what
    has no place on axes that multiply: runs that have not validated yet, and models that are
    nothing but embeddings.
    """
    rows = []
    for run, name in zip(runs, names(runs), strict=True):
        _, validated = recorded.read(run.folder).validations
        usable = validated[np.isfinite(validated) & (validated > 0)]
        size = parameters.without_embeddings(run.config.model)
        if size and len(usable):
            rows.append((name, size, float(usable.min())))
    table = pd.DataFrame(rows, columns=["run", "parameters", "best_val_loss"])
    return table.sort_values("parameters", kind="stable", ignore_index=True)
