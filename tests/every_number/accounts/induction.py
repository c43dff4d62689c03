"""The tab Induction heads of Training: what the run wrote down, and measured once more."""

import math

import numpy as np
import torch

from accounts.common import Expected, Read
from accounts.learnt import Learnt
from accounts.reference import log_softmax

NAMED = 4  # heads


def measured(learnt: Learnt, step: int) -> tuple[np.ndarray, float, float]:
    """Scores (L, H) of the heads of a snapshot, and both losses, on texts that are said twice."""
    generator = torch.Generator().manual_seed(0)
    V, found = len(learnt.letters), []
    for _ in range(8):
        ids = torch.randperm(V, generator=generator)[:6].tolist()  # of a context of 13
        ref = learnt.at(step, [learnt.letters[token] for token in ids * 2])
        weights = [ref.patterns[..., 6 + i, i + 1] for i in range(6)]
        nats = -log_softmax(ref.x["logits"])[range(11), ref.ids[1:]]
        found.append((np.mean(weights, 0), nats[:5].mean(), nats[6:].mean()))
    scores, first, second = (np.mean(each, 0) for each in zip(*found, strict=True))
    return scores, first, second


def of(learnt: Learnt, key: str) -> Expected:
    """Scores and losses over steps, and what was gained in the end."""
    rows = learnt.rows("induction.jsonl")
    scores = np.array([row["scores"] for row in rows])  # (S, L, H)
    losses = {name: np.array([row[name] for row in rows]) for name in ("loss_first", "loss_second")}
    again, first, second = measured(learnt, rows[-1]["step"])
    # Snapshots are kept with 16 bits a number.
    assert np.abs(scores[-1] - again).max() < 2e-3
    assert abs(losses["loss_first"][-1] - first) < 2e-2
    assert abs(losses["loss_second"][-1] - second) < 2e-2

    steps = [row["step"] for row in rows]
    heads = [(i, j) for i in range(2) for j in range(3)]
    best = sorted(heads, key=lambda head: -scores[-1][head])[:NAMED]
    shown = {
        f"{key}.0.name": ["training loss, smoothed by 0.9"],
        f"{key}.0.x": learnt.column("step"),
        f"{key}.0.y": learnt.smoothed,
        f"{key}_table.step": steps,
        f"{key}_table.loss, first time": losses["loss_first"],
        f"{key}_table.loss, second time": losses["loss_second"],
    }
    for n, head in enumerate(sorted(heads, key=best.__contains__), 1):
        shown[f"{key}.{n}.x"] = steps[1:]
        shown[f"{key}.{n}.y"] = scores[1:, *head]
    for i, j in heads:
        shown[f"{key}_table.L{i} H{j}"] = scores[:, i, j]
    gain = losses["loss_first"][-1] - losses["loss_second"][-1]
    said = [
        ("Random tokens are said twice", *scores.shape, 2022, 1),
        ("a random token that is said again gets", steps[-1], math.exp(gain), gain),
    ]
    return said, shown


def look(read: Read, learnt: Learnt) -> None:
    """The whole tab."""
    page = read(learnt.folder, ("metrics", "birth"), tab="induction")
    page.holds(learnt.around, of(learnt, "birth"))


VIEWS = {"birth": look}
