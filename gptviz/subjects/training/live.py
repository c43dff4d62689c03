"""A run while it learns: how far it is and its curves, drawn anew now and then on their own."""

import hashlib
from typing import Any

import numpy as np
import streamlit as st

from gptviz import jobs
from gptviz.app import code, show
from gptviz.app.live import look_again
from gptviz.app.theme import Scheme
from gptviz.runs import Run, State, Status
from gptviz.runs.curves import (
    SMOOTHING,
    baselines,
    train_bytes_per_token,
    val_bytes_per_token,
)
from gptviz.subjects.training import about, analysis, curves, figures
from gptviz.subjects.training.estimate_tab import duration
from gptviz.subjects.training.live_chart import live_chart, zoomed_to
from gptviz.subjects.training.runs import STATES
from gptviz.training import patience, way
from gptviz.training.record import metrics
from gptviz.training.record.metrics import History

# Seconds between two looks at a run that lives. A look costs a browser a tenth of a second, which
# the run waits for if both share two cores.
EVERY = 2.0
UNTIL_BEGUN = 1.0
FEWEST_STEPS = 5  # until the pace can be told
STAYS = (
    "It ships with gptviz and stays as it is. A clone of its settings is yours, and reads the text "
    "that you choose."
)
NOTHING = (np.empty(0), np.empty(0))
HOW_TO_READ = (
    "Drag over the curves to zoom in, double-click to see everything; point at a place to read its "
    "values. Dotted in the first: what a blind guess reaches, and what counting tokens or pairs of "
    f"them does. Smoothed by {SMOOTHING}: each value weighs {SMOOTHING} times what the "
    "one after it weighs. Dotted in the learning rate: what is to come. Speed, all included: with "
    "validation, samples and snapshots."
)
WAITS_FOR: dict[State, str] = {
    "queued": "Here its loss will be drawn. It waits for the run that trains now: one trains at a "
    "time on this machine.",
    "running": "Here its loss will be drawn, in a moment: it reads the text and makes the model.",
    "paused": "It was paused before its first step. Resume lets it begin.",
    "stopped": "It was stopped before its first step. Resume lets it begin.",
    "done": "It has no step to draw.",
    "failed": "It failed before its first step, so there is nothing to draw.",
    "crashed": "Its process ended before its first step. Resume lets it begin.",
}
ONE_AT_A_TIME = "one run trains at a time on this machine, and this one is next"
ONE_BEFORE = "one run trains at a time on this machine, and one more waits before this one"
SOME_BEFORE = "one run trains at a time on this machine, and {n} wait before this one"


def watch(run: Run, scheme: Scheme) -> None:
    """How far the run is, and its curves; a run that lives is looked at again and again."""
    state, begun = seen = _seen(run)
    every = look_again(state, EVERY if begun else UNTIL_BEGUN)
    st.fragment(_watch, run_every=every)(run, scheme, seen)
    st.caption(f"{about.shape(run.settings)}. {HOW_TO_READ}")
    if run.is_shipped:
        st.caption(STAYS)
    if practice := about.practice(run.settings):
        st.caption(practice)
    written = code.of_run(run, analysis.metrics, "table = metrics(run)").drawn(
        figures.comparison,
        "curves([run], 'step'), 'step'",
        "from gptviz.runs.compare import curves",
    )
    show.numbers(analysis.metrics(run), "metrics", written)


def _seen(run: Run) -> tuple[State, bool]:
    """What the run is doing, and whether it has made a step: both decide what the page shows."""
    return jobs.state(run), len(metrics.read(run.folder)) > 0


def _watch(run: Run, scheme: Scheme, drawn: tuple[State, bool]) -> None:
    if not run.folder.is_dir() or _seen(run) != drawn:
        st.rerun()  # its buttons are others now
    state, _ = drawn
    status, course = run.status, metrics.read(run.folder)
    _headline(run, state, status, course)
    # A component's key takes not every sign that a run's name may have.
    key = f"curves_{hashlib.sha256(run.id.encode()).hexdigest()[:16]}"
    ahead = analysis.to_come(run) if state not in ("done", "failed") else None
    chart = curves.panels(
        course,
        clip=run.settings.get("gradient_clip", 1.0),
        tokens_per_step=tokens_per_step(run.settings),
        bytes_per_token=(train_bytes_per_token(status), val_bytes_per_token(status)),
        baselines=baselines(status),
        to_come=NOTHING if ahead is None else (ahead["step"].to_numpy(), ahead["rate"].to_numpy()),
        scheme=scheme,
        zoom=zoomed_to(key),
    )
    live_chart(chart, key=key, alt=curves.in_words(course), waits=WAITS_FOR[state])


def _headline(run: Run, state: State, status: Status, course: History) -> None:
    steps = int(run.settings.get("steps", 0))
    done = int(course["step"][-1]) if len(course) else 0
    known = state == "running" and len(course) >= FEWEST_STEPS
    left = course.seconds_left(steps) if known else None
    headline = [f"**{STATES[state]}**", f"step {done:,} of {steps:,}"]
    if left is not None:
        headline.append(f"{duration(left)} left")
    if words := _words(run, state, status, done):
        headline.append(words)
    st.progress(min(1.0, done / steps) if steps else 0.0, text=" · ".join(headline))
    if told := [*filter(None, (about.passes(run, state, status, done), way.in_words(status)))]:
        st.caption(" ".join(told))
    for name in ("error", "warning"):
        if text := status.get(name):
            show.failure(str(text))


def _words(run: Run, state: State, status: Status, done: int) -> str:
    last = status.get("last_step", 0)
    if state == "queued":
        n = jobs.queue_position(run)
        return SOME_BEFORE.format(n=n) if n > 1 else ONE_BEFORE if n else ONE_AT_A_TIME
    if state == "running" and not done:
        return "it reads the text and makes the model"
    if state == "crashed":
        return f"its process ended without a word; Resume goes on from step {last:,}"
    if state in ("paused", "stopped"):
        return f"Resume goes on from step {last:,}, on the very same curve"
    if state == "done" and (words := patience.ended_early(run)):
        return f"it {words}"
    if state == "running":
        return patience.waits(run)
    return ""


def tokens_per_step(settings: dict[str, Any]) -> int:
    """How many tokens a step reads, by settings that another version may have written."""
    batch = settings.get("batch_size", 0) * settings.get("accumulation", 1)
    return int(batch * settings["model"].get("block_size", 0))
