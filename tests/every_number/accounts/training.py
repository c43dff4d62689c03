"""The page Training for a finished run: its samples, and Compare."""

from functools import partial

import numpy as np

from accounts import health
from accounts.beside import curves
from accounts.common import Read
from accounts.learnt import Learnt

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
    read(learnt.folder, ["metrics"], tab="samples").holds(learnt.around, (said, {}))


def compare(read: Read, learnt: Learnt, axis: str) -> None:
    """The verdict, and below it Compare."""
    chosen = {"tab": "health", "runs_tab": "compare", "compared_by": axis}
    page = read(learnt.folder, ["metrics", "comparison"], **chosen)
    page.holds(learnt.above, health.of(learnt), curves("comparison", [learnt], axis))


VIEWS = {
    "samples": samples,
    **{f"compare by {axis}": partial(compare, axis=axis) for axis in ("step", "tokens", "seconds")},
}
