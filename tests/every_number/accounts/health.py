"""The tab Health of Training: what the rules say of a curve, the time of a step, and its trials."""

import numpy as np

from accounts.common import Expected, numbered
from accounts.learnt import Learnt
from accounts.recorded import LAST, RECENT, Recorded


def fall(run: Recorded) -> tuple:
    """How far the losses have come."""
    loss, (_, val_loss) = run.column("train_loss"), run.validations
    lessons = run.config["copy_steps"]
    first, now = loss[lessons], run.last_loss
    fallen = (first, lessons + 1, now, LAST, 1 - now / first)
    return ("Training loss: {} at step {}", *fallen, val_loss[-1], val_loss[-1] - now)


def time(run: Learnt) -> Expected:
    """Where the time of the latest steps went, and what each way took that was tried."""
    times = np.array([seconds[-RECENT:].sum() for seconds in run.time.values()])
    status = run.json("status.json")
    trials = status.get("trials", {}).get(status["device"], [])
    shown = {"time_shares.share": times / times.sum()}
    if not trials:
        return [], shown
    shown["ways_tried_table.milliseconds"] = [1000 * trial["seconds"] for trial in trials]
    ways = [
        f"{t['dtype']} with {t['attention']} attention"
        + (f", the loss of {t['chunk']} tokens at once" if t["chunk"] else "")
        for t in trials
    ]
    shown |= {"ways_tried_table.way": told} if (told := numbered(ways)) else {}
    return [("tried before the first step", trials[0]["windows"])], shown


def of(run: Learnt) -> Expected:
    """A run without a fault."""
    loss, (steps, val_loss) = run.column("train_loss"), run.validations
    said, shown = time(run)
    ends = (loss[0], run.last_loss, val_loss[-1], steps[-1])
    return [fall(run), ("The training loss fell from", *ends), *said], shown


def early(run: Learnt) -> Expected:
    """A run that has too few steps to be judged."""
    said, shown = time(run)
    return [fall(run), ("Steps done: {}. The curve is judged", run.steps, 50), *said], shown


VIEWS = {}
