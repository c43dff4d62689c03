"""A run while it learns: how far it is and its curves, drawn anew now and then on their own."""

from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from gptviz.figures.theme import Scheme
from gptviz.training import history, jobs
from gptviz.training.history import History
from gptviz.training.runs import LIVING, Run, State, Status
from gptviz.ui import parts, training_curves
from gptviz.ui.components.live_chart import live_chart, zoomed_to
from gptviz.ui.training_estimate import duration
from gptviz.ui.training_runs import SIGNS

# Seconds between two looks at a run that lives. A look costs a browser a tenth of a second, which
# the run waits for if both share two cores.
EVERY = 2.0
UNTIL_BEGUN = 1.0
FEWEST_STEPS = 5  # until the pace can be told


def watch(run: Run, scheme: Scheme) -> None:
    """How far the run is, and its curves; a run that lives is looked at again and again."""
    state, begun = seen = _seen(run)
    every = look_again(state, EVERY if begun else UNTIL_BEGUN)
    st.fragment(_watch, run_every=every)(run, scheme, seen)
    st.caption(
        f"{about(run.settings)}. Drag over the curves to zoom in, double-click to see everything; "
        "point at a place to read its values."
    )
    if practice := about_practice(run.settings):
        st.caption(practice)
    parts.numbers(numbers(history.read(run.folder)), "metrics")


def look_again(state: State, every: float = EVERY) -> float | None:
    """Seconds until a part that shows a run draws itself anew; None if nothing will change."""
    return every if state in LIVING else None


def numbers(course: History) -> pd.DataFrame:
    """Every step with its numbers."""
    return pd.DataFrame({name: course[name] for name in (*history.COLUMNS, *history.PARTS)})


def _seen(run: Run) -> tuple[State, bool]:
    """What the run is doing, and whether it has made a step: both decide what the page shows."""
    return jobs.state(run), len(history.read(run.folder)) > 0


def _watch(run: Run, scheme: Scheme, drawn: tuple[State, bool]) -> None:
    if not run.folder.is_dir() or _seen(run) != drawn:
        st.rerun()  # its buttons are others now
    state, _ = drawn
    status, course = run.status, history.read(run.folder)
    _headline(run, state, status, course)
    key = f"curves_{run.id}"
    chart = training_curves.panels(
        course,
        clip=run.settings.get("gradient_clip", 1.0),
        bytes_per_token=status.get("bytes_per_token"),
        scheme=scheme,
        zoom=zoomed_to(key),
    )
    live_chart(chart, key=key, alt=training_curves.in_words(course))


def _headline(run: Run, state: State, status: Status, course: History) -> None:
    steps = int(run.settings.get("steps", 0))
    done = int(course["step"][-1]) if len(course) else 0
    known = state == "running" and len(course) >= FEWEST_STEPS
    left = course.seconds_left(steps) if known else None
    told = [f"**{SIGNS[state]} {state}**", f"step {done:,} of {steps:,}"]
    if left is not None:
        told.append(f"{duration(left)} left")
    if words := _words(run, state, status, done):
        told.append(words)
    st.progress(min(1.0, done / steps) if steps else 0.0, text=" · ".join(told))
    for name in ("error", "warning"):
        if text := status.get(name):
            parts.failure(str(text))


def _words(run: Run, state: State, status: Status, done: int) -> str:
    last = status.get("last_step", 0)
    if state == "queued":
        n = jobs.queue_position(run)
        ahead = f"{n} wait before this one" if n else "this one is next"
        return f"one run trains at a time on this machine, and {ahead}"
    if state == "running" and not done:
        return "it reads the text and makes the model"
    if state == "crashed":
        return f"its process ended without a word; Resume goes on from step {last:,}"
    if state in ("paused", "stopped"):
        return f"Resume goes on from step {last:,}, on the very same curve"
    if state == "done" and status.get("stopped_early"):
        return "it ended early, for validation no longer improved"
    return ""


def about_practice(settings: dict[str, Any]) -> str:
    """What the training loss holds beside that of the text; nothing for a run that only reads."""
    told: list[str] = []
    if steps := settings.get("copy_steps"):
        told.append(
            f"The first {steps:,} steps are lessons in copying: their loss is that of random "
            "tokens said again, not that of the text."
        )
    if share := settings.get("repeat_share"):
        told.append(
            f"Of {'what later steps read' if told else 'what it reads'}, {share:.1%} is such "
            "practice: it counts in the training loss, not in the validation loss."
        )
    return " ".join(told)


def about(settings: dict[str, Any]) -> str:
    """What a run reads and the shape of its model, in a line of Markdown."""
    model = settings["model"]
    return (
        f"It reads {parts.literal(Path(settings['data']).name)}; layers {model.get('n_layer')}, "
        f"heads {model.get('n_head')}, width {model.get('n_embd')}, "
        f"context {model.get('block_size')}"
    )
