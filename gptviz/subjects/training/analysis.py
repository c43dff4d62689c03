"""What runs recorded, as tables: the numbers of every step, and losses side by side."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from gptviz.runs import Run
from gptviz.runs.compare import Axis, Curve
from gptviz.training.record import metrics as recorded


def metrics(run: Run) -> pd.DataFrame:
    """A row a step, with its losses, rate and gradient norm, and what its time went to."""
    course = recorded.read(run.folder)
    return pd.DataFrame({name: course[name] for name in (*recorded.COLUMNS, *recorded.PARTS)})


def losses(curves: Sequence[Curve], axis: Axis) -> pd.DataFrame:
    """A row for every point of every curve; NaN where the held-out text was not read."""
    frames = []
    for curve in curves:
        validated = dict(zip(curve.val_x.tolist(), curve.val_loss.tolist(), strict=True))
        at_points = [validated.get(x, np.nan) for x in curve.x.tolist()]
        columns = {axis: curve.x, "train_loss": curve.train_loss, "val_loss": at_points}
        frames.append(pd.DataFrame({"run": curve.name, **columns}))
    return pd.concat(frames) if frames else pd.DataFrame()
