"""The page Training for a finished run: its samples, what is said of its curve, and Compare."""

import math
from functools import partial

import numpy as np

from accounts.common import Expected, Read
from accounts.learnt import RECENT, STEPS, TOKENS, Learnt

LAST = 20  # steps whose mean is the last training loss
PASSAGE = 20  # letters


def covered(text: str, read: str) -> float:
    """The share of a text's letters that stand in the other within 20 in a row."""
    marks = np.zeros(len(text), bool)
    for i in range(len(text) - PASSAGE + 1):
        if text[i : i + PASSAGE] in read:
            marks[i : i + PASSAGE] = True
    return marks.mean()


def samples(read: Read, learnt: Learnt) -> None:
    """What it wrote, and how much of that it has read word for word."""
    rows = learnt.rows("samples.jsonl")
    shares = [covered(row["prompt"] + row["text"], learnt.read_and_held_out[0]) for row in rows]
    assert max(shares) > 0.5  # or it learnt nothing, and each would be 0
    said = [("texts, the latest first", len(rows)), *(("^step {}", row["step"]) for row in rows)]
    said = [said[0], *reversed(said[1:])]
    said += [("that the text holds too", share, PASSAGE) for share in reversed(shares)]
    read("training", ["metrics"], tab="samples").holds(learnt.around, (said, {}))


def verdict(learnt: Learnt) -> Expected:
    """A curve without a fault, and where the time went."""
    loss, spent = learnt.column("train_loss"), learnt.time
    times = np.array([seconds[-RECENT:].sum() for seconds in spent.values()])
    ends = (loss[0], loss[-LAST:].mean(), learnt.column("val_loss")[-1], STEPS)
    now, held_out = loss[-LAST:].mean(), learnt.column("val_loss")[-1]
    fall = (loss[0], 1, now, LAST, 1 - now / loss[0])
    said = [
        ("The training loss fell from", *ends),
        ("Training loss: {} at step {}", *fall, held_out, held_out - now),
    ]
    return said, {"time_shares.share": times / times.sum()}


def compared(learnt: Learnt, axis: str = "step") -> Expected:
    """The run's curves over an axis, with the losses of guesses, and what came of it."""
    steps, seconds = learnt.column("step"), learnt.column("seconds")
    loss, val_loss = learnt.column("train_loss"), learnt.column("val_loss")
    x = {"step": steps, "tokens": steps * TOKENS, "seconds": seconds}[axis]
    validated = np.isfinite(val_loss)
    guesses = [*learnt.guesses.values()]
    best = np.nanmin(val_loss)
    shown = {
        "comparison.0.legendgroup": ["0"],
        "comparison.1.legendgroup": ["0"],
        "comparison.0.x": x,
        "comparison.0.y": learnt.smoothed,
        "comparison.1.x": x[validated],
        "comparison.1.y": val_loss[validated],
        "comparison.notes": [(guess,) for guess in guesses],
        "comparison.shapes": [[0, 1, guess, guess] for guess in guesses],
        f"comparison_table.{axis}": x,
        "comparison_table.train_loss": loss,
        "comparison_table.val_loss": val_loss,
    }
    results = {
        "steps": STEPS,
        "last_train_loss": loss[-LAST:].mean(),
        "last_val_loss": val_loss[-1],
        "best_val_loss": best,
        "best_step": steps[np.nanargmin(val_loss)],
        "best_bits_per_byte": best / math.log(2) / learnt.bytes_per_letter[1],
        "gap": val_loss[-1] - loss[-LAST:].mean(),
        "reduction": 100 * (1 - loss[-LAST:].mean() / loss[0]),
        "epochs": STEPS * TOKENS / len(learnt.read_and_held_out[0]),
        "seconds": seconds[-1],
        "tokens_per_second_alone": 1 / np.mean(1 / learnt.column("tokens_per_second")),
        "tokens_per_second": (steps[-1] - steps[0]) * TOKENS / (seconds[-1] - seconds[0]),
        "tokens_read": STEPS * TOKENS,
        "parameters": sum(p.numel() for p in learnt.at(0, "the").theirs.parameters()),
    }
    shown |= {f"comparison_settings_table.{name}": [value] for name, value in results.items()}
    return [("With points: validation loss", 1, 0.9, 0.9)], shown


def compare(read: Read, learnt: Learnt, axis: str) -> None:
    """The verdict, and below it Compare."""
    chosen = {"tab": "health", "runs_tab": "compare", "compared_by": axis}
    page = read("training", ["metrics", "comparison"], **chosen)
    around, of_all = learnt.around, compared(learnt, axis)
    # The list of all runs is behind another tab.
    around = around[0], {k: v for k, v in around[1].items() if not k.startswith("runs_table.")}
    page.holds(around, verdict(learnt), of_all)


VIEWS = {
    "samples": samples,
    **{f"compare by {axis}": partial(compare, axis=axis) for axis in ("step", "tokens", "seconds")},
}
