"""The tab Health of Training: what the rules say of a curve, the time of a step, and its trials."""

import json
import shutil
from collections.abc import Mapping
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from accounts.common import Expected, Read, numbered
from accounts.learnt import PARTS, Learnt
from accounts.recorded import LAST, RECENT, Recorded
from gptviz.runs import Run

N = 160  # steps
EVERY = 20  # steps between two validations
LIMIT = 1.5  # of gradients
# As runs go: one that learns, and what can be wrong with it.
STEP = np.arange(1, N + 1)
NOISE = np.random.default_rng(0).normal(0, 0.03, N)
LEARNS = 1.5 + 1.3 * np.exp(-STEP / 30) + NOISE
SPIKES = np.isin(STEP, (71, 90, 117, 118, 141))
CURVES: dict[str, dict[str, Any]] = {
    "trials": {},
    "outburst": {"train_loss": LEARNS + 2.5 * np.exp(-((STEP - 9) ** 2) / 8)},
    "rise": {"train_loss": LEARNS + 0.02 * (STEP - 100).clip(0)},
    "spikes": {"train_loss": LEARNS + 1.2 * SPIKES},
    "stuck": {"train_loss": 2.3 + 0.5 * np.exp(-STEP / 9) + NOISE},
    "slow": {"train_loss": 2.7 - 0.002 * STEP + NOISE},
    "three faults": {
        "val_loss": LEARNS + 0.008 * (STEP - 60).clip(0),
        "grad_norm": 3.2 + 20 * NOISE,
        "layers": True,
    },
    "lessons": {"config": {"copy_steps": 120, "repeat_share": 0.125}},
    "running": {
        "val_loss": LEARNS + 0.01 * (STEP - 90).clip(0),
        "config": {"steps": 300, "patience": 5},
        "status": {"state": "running"},
    },
}
TRIED = [
    {"dtype": "float32", "attention": "fused", "chunk": None, "seconds": 2.34567},
    {"dtype": "bfloat16", "attention": "fused", "chunk": None, "seconds": 1.23449},
    {"dtype": "bfloat16", "attention": "explicit", "chunk": None, "seconds": 0.0123456},
    {"dtype": "bfloat16", "attention": "explicit", "chunk": 512, "seconds": 0.012},
]
WINDOWS = 3


def judged(learnt: Learnt, root: Path) -> Mapping[str, Learnt]:
    """Runs that are made up, of the one that took place: each with another curve."""
    return {name: made_up(learnt, root / name / "odd run", **told) for name, told in CURVES.items()}


def made_up(
    learnt: Learnt,
    folder: Path,
    layers: bool = False,
    config: Mapping[str, Any] | None = None,
    status: Mapping[str, Any] | None = None,
    **columns: np.ndarray,
) -> Learnt:
    """The run of another with other curves, settings and state."""
    leaves = shutil.ignore_patterns("snapshots", "checkpoints", "layers.jsonl")
    shutil.copytree(learnt.folder, folder, ignore=leaves)
    columns = {"train_loss": LEARNS, "val_loss": LEARNS + 0.1, **columns}
    columns = {"lr": 0.01 + 0.0001 * STEP, "grad_norm": 0.8 + NOISE, **columns}
    columns |= {"tokens_per_second": 9000 - 7.0 * STEP, "seconds": 0.07 * STEP + 0.0001 * STEP**2}
    rows = [{"step": i, **{name: c[i - 1] for name, c in columns.items()}} for i in STEP.tolist()]
    for row in rows:
        row["time"] = {part: 0.01 * i + 1e-5 * row["step"] for i, part in enumerate(PARTS, 1)}
        if row["step"] % EVERY:
            del row["val_loss"]
    parts = ("embedding", "h.0.attn", "h.0.mlp", "h.1.attn", "h.1.mlp", "ln_f")
    norms = [1.0, 0.0002, 0.3, 0.0004, 0.2, 0.1]
    measured = [
        {"step": i, "grad_norm": {n: x * (1 + i / N) for n, x in zip(parts, norms, strict=True)}}
        for i in range(5, N + 1, 5)
    ]
    write_rows(folder / "metrics.jsonl", rows)
    if layers:
        same = {name: row["grad_norm"] for row in measured for name in ("weight_norm",)}
        rest = {"update_ratio": measured[0]["grad_norm"], **same}
        write_rows(folder / "layers.jsonl", [{**row, **rest} for row in measured])
    told = {"steps": N, "eval_interval": EVERY, "gradient_clip": LIMIT, **(config or {})}
    settings = {**learnt.json("config.json"), **told}
    state = {**learnt.json("status.json"), "step": N, **(status or {})}
    state |= {"best_val_loss": min(row.get("val_loss", np.inf) for row in rows)}
    if folder.parent.name == "trials":
        own = {key: TRIED[2][key] for key in ("dtype", "attention", "chunk")}
        trials = [{**trial, "windows": WINDOWS} for trial in TRIED]
        state |= {"ways": {state["device"]: own}, "trials": {state["device"]: trials}}
    for name, values in (("config.json", settings), ("status.json", state)):
        (folder / name).write_text(json.dumps(values), encoding="utf-8")
    return Learnt(folder, learnt.text)


def write_rows(path: Path, rows: list[dict[str, Any]]) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


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
    said, shown = time(run)
    return [fall(run), *findings(run, ""), *said], shown


def early(run: Learnt) -> Expected:
    """A run that has too few steps to be judged."""
    said, shown = time(run)
    return [fall(run), ("Steps done: {}. The curve is judged", run.steps, 50), *said], shown


def findings(run: Learnt, name: str) -> list[tuple]:
    """What the rules tell of a curve, in numbers."""
    loss, steps = run.column("train_loss"), run.column("step")
    means = np.convolve(loss, np.full(LAST, 1 / LAST), "valid")
    first, now, half = loss[0], means[-1], len(loss) // 2
    if name == "outburst":
        return [("The training loss began at", first, loss.max(), steps[loss.argmax()])]
    if name == "rise":
        lowest = means.argmin()
        return [("The training loss was down to", means[lowest], steps[lowest + LAST - 1], now)]
    if name == "spikes":
        before = [np.median(loss[i - LAST : i]) for i in range(LAST, len(loss))]
        high = steps[LAST:][loss[LAST:] > np.array(before) + 0.5]
        assert (high == STEP[SPIKES]).all()
        return [("jumped by more than", 0.5, len(high), *high[-3:])]
    if name == "stuck":
        since = loss[half - LAST // 2 : half + LAST // 2].mean() - now
        return [("steps the training loss went from", len(loss), first, now, max(since, 0), half)]
    if name == "slow":
        return [("steps the training loss went from", len(loss), first, now)]
    if name == "three faults":
        return [vanishing(run), overfitting(run), clipping(run)]
    if name == "running":
        return [overfitting(run)]
    if name == "lessons":
        lessons = run.config["copy_steps"]
        return [("after the lessons in copying", len(loss) - lessons, 50)]
    validated, val_loss = run.validations
    return [("The training loss fell from", first, now, val_loss[-1], validated[-1])]


def vanishing(run: Learnt) -> tuple:
    """How many parts get next to none of the gradient, and the one that gets least."""
    rows = [row["grad_norm"] for row in run.rows("layers.jsonl")]
    parts = [name for name in rows[0] if name.endswith((".attn", ".mlp"))]
    whole = [np.linalg.norm([*row.values()]) for row in rows]
    usual = {
        part: np.median([row[part] / norm for row, norm in zip(rows, whole, strict=True)])
        for part in parts
    }
    few = [share for share in usual.values() if share < 0.001]
    least = round(1 / min(few))
    return ("of the whole gradient's norm", len(rows), len(few), len(parts), 0.001, 1, least)


def overfitting(run: Learnt) -> tuple:
    """Since when the validation loss has risen, and what the training loss did meanwhile."""
    loss, (steps, val_loss) = run.column("train_loss"), run.validations
    since = int(steps[val_loss.argmin()])
    span = min(2 * LAST, since, len(loss) - since)
    means = loss[since - span : since].mean(), loss[-span:].mean()
    return ("the validation loss has risen", since, val_loss.min(), val_loss[-2:].mean(), *means)


def clipping(run: Learnt) -> tuple:
    """How many gradients were over twice the limit, after the warm-up."""
    norms = run.column("grad_norm")[run.config["warmup_steps"] :]
    share = (norms > 2 * LIMIT).mean()
    return ("times the limit", len(norms), share, 2, LIMIT, np.median(norms))


def look(read: Read, runs: Mapping[str, Learnt], name: str) -> None:
    """The whole tab for a run that learns, or for one with a fault."""
    run = runs[name]
    with Run(run.folder).locked() if run.is_running else nullcontext():
        page = read(run.folder, ["metrics"], tab="health")
    said, shown = time(run)
    page.holds(run.around, ([fall(run), *findings(run, name), *said], shown))


VIEWS = {name: partial(look, name=name) for name in CURVES}
