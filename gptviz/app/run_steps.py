"""Which step of a training run a page looks at: a row with a slider, and a place in the URL."""

from collections.abc import Sequence

import numpy as np
import streamlit as st

from gptviz import checkpoints, jobs
from gptviz.app.steps.slider import step_slider
from gptviz.app.theme import Scheme
from gptviz.checkpoints.steps import folder_name
from gptviz.runs import Run, State
from gptviz.runs.curves import SMOOTHING, smooth
from gptviz.training.record import metrics
from gptviz.training.record.snapshots import snapshot_steps

POINTS = 200  # of the loss curve, spread as the steps are
DOING: dict[State, str] = {
    "queued": "A training run that waits for its turn.",
    "running": "A training run that goes on now.",
    "paused": "A training run that pauses.",
    "stopped": "A training run that was stopped.",
    "done": "A training run that is done.",
    "failed": "A training run that failed.",
    "crashed": "A training run whose process has ended without a word.",
}


def run_of(name: str) -> Run | None:
    """The training run behind one of `checkpoints.names()`; None for any other model."""
    try:
        return Run(checkpoints.root() / name)
    except (OSError, ValueError):
        return None


def name_at(run: Run, step: int) -> str:
    """What `gptviz.load` calls the model of a step."""
    return f"{run.id}@{folder_name(step)}"


def address(name: str) -> dict[str, str]:
    """The part of an address that names a model, or the model of a step."""
    model, _, step = name.partition("@step-")
    return {"model": model, "step": str(int(step))} if step.isdecimal() else {"model": name}


def chosen(run: Run | None) -> int | None:
    """The step of the URL. One of which the run kept no snapshot is dropped, there and here."""
    wanted = str(st.session_state.get("step", st.query_params.get("step", "")))
    step = {str(step): step for step in run.snapshots}.get(wanted) if run else None
    if step is None:
        st.session_state.pop("step", None)
        st.query_params.pop("step", None)
        return None
    st.session_state["step"] = step
    if st.query_params.get("step") != wanted:
        st.query_params["step"] = wanted
    return step


def row(run: Run, step: int | None, scheme: Scheme) -> str:
    """Draw the slider over the steps; the name of the model to look at.

    Without a step that is the run itself, whose name stands for its best checkpoint. Raises
    FileNotFoundError if the run is gone.
    """
    best = int(checkpoints.find_listed(run.id).name.removeprefix("step-"))
    steps = run.snapshots
    if not steps:
        return run.id
    # To choose the best one's place is to choose no step, unless it is a snapshot's, too.
    slider(run, sorted({*steps, best}), best if step is None else step, scheme)
    name = run.id if step is None else name_at(run, step)
    weights = (
        f"the best checkpoint so far, step {best:,}"
        if step is None
        else f"step {step:,}, kept with 16 bits a number"
    )
    st.caption(f"`{name}` — everything below is of the weights of {weights}.")
    return name


def slider(run: Run, steps: Sequence[int], step: int, scheme: Scheme) -> None:
    """The slider over these steps of a run, and its loss above it."""
    step_slider(steps, step, loss_curve(run, steps[-1]), scheme)


def about(run: Run) -> str:
    """What a run is doing, in a sentence."""
    return "A training run that ships with gptviz." if run.is_shipped else DOING[jobs.state(run)]


def loss_curve(run: Run, last: int) -> tuple[np.ndarray, np.ndarray]:
    """Steps up to the last one, spread evenly on a log scale, and the smoothed training loss there.

    In nats a token.
    """
    course = metrics.read(run.folder)
    wanted = snapshot_steps(last, POINTS)
    there = np.isin(course["step"], wanted) & np.isfinite(course["train_loss"])
    return course["step"][there], smooth(course["train_loss"], SMOOTHING)[there]
