"""The birth of induction heads in a run, in numbers."""

import pandas as pd

from gptviz.runs import Run
from gptviz.training.record import induction


def scores_over_steps(run: Run) -> pd.DataFrame:
    """A row a snapshot: its step, the induction score of each head, and two losses.

    Heads are called L0 H0 and so on, their scores run from 0 to 1; losses are in nats a token, of
    random tokens said for the first and for the second time. Without rows where the run has not
    looked for induction heads.
    """
    found = induction.read(run.folder)
    heads = {
        f"L{i} H{j}": found.scores[:, i, j]
        for i in range(found.scores.shape[1])
        for j in range(found.scores.shape[2])
    }
    losses = {"loss, first time": found.loss_first, "loss, second time": found.loss_second}
    return pd.DataFrame({"step": found.steps, **heads, **losses})
