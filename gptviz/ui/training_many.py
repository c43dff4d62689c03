"""Many runs at once: compare them, and queue experiments that differ in one setting."""

from collections.abc import Sequence
from dataclasses import replace
from typing import get_args

import numpy as np
import pandas as pd
import streamlit as st

from gptviz.figures import training as figures
from gptviz.figures.theme import Scheme
from gptviz.training import compare as comparing
from gptviz.training import experiments, jobs, shipping
from gptviz.training.compare import Axis, Curve
from gptviz.training.experiments import Experiment
from gptviz.training.runs import LIVING, Run
from gptviz.ui import parts
from gptviz.ui.training_setup import Draft

EVERY = 5.0  # seconds between two looks while one of the runs lives
AXES: dict[Axis, str] = {"step": "steps", "tokens": "tokens read", "seconds": "time"}
assert set(AXES) == set(get_args(Axis))


def compare(run: Run | None, scheme: Scheme) -> None:
    """Any runs over one axis, those of the failure gallery too, and a table of what differs."""
    runs: dict[str, Run] = {}
    for one in (*jobs.list_runs(), *shipping.gallery()):
        runs.setdefault(one.id, one)
    if not runs:
        st.markdown("There is no run to compare yet.")
        return
    first = [run.id] if run else []
    newest = [one for one in runs if one not in first]
    kept = [one for one in st.session_state.get("compared", []) if one in runs]
    st.session_state["compared"] = kept or [*first, *newest][:2]
    left, right = st.columns([3, 1], vertical_alignment="bottom", gap="large")
    chosen = left.multiselect(
        "Runs", list(runs), key="compared", format_func=lambda run_id: _label(runs[run_id])
    )
    axis = right.selectbox("By", list(AXES), key="compared_by", format_func=AXES.__getitem__)
    if chosen:
        draw_beside([runs[run_id] for run_id in chosen], axis, scheme, key="comparison")


def experiment(draft: Draft | None, scheme: Scheme) -> None:
    """Queue variants of the settings in the form as one experiment; the ranking of an earlier."""
    st.markdown(
        "An experiment trains the same model several times, each time with one setting changed. "
        "The runs wait for each other; what the form above says is the baseline."
    )
    if draft:
        _new_experiment(draft)
    else:
        st.markdown("The form above has to be complete first.")
    found = {one.id: one for one in experiments.list_experiments(jobs.list_runs())}
    if not found:
        return
    st.session_state["experiment"] = _kept("experiment", list(found))
    chosen = st.selectbox(
        "Experiment", list(found), key="experiment", format_func=lambda one: found[one].name
    )
    _ranked(found[chosen], scheme)
    draw_beside(list(found[chosen].runs.values()), "step", scheme, key="experiment_curves")


def _label(run: Run) -> str:
    return f"{run.name} (shipped)" if run.is_shipped else run.name


def draw_beside(runs: list[Run], axis: Axis, scheme: Scheme, key: str) -> None:
    """The curves of some runs in one chart, and a table of what differs and what came of it."""
    st.fragment(_beside, run_every=look_again_at(runs))(runs, axis, scheme, key)


def look_again_at(runs: Sequence[Run]) -> float | None:
    """Seconds until a part that shows these runs draws itself anew; None if nothing will change."""
    return EVERY if any(jobs.state(run) in LIVING for run in runs) else None


def _beside(runs: list[Run], axis: Axis, scheme: Scheme, key: str) -> None:
    runs = [run for run in runs if run.folder.is_dir() and _is_readable(run)]
    if not runs:
        return
    curves = comparing.curves(runs, axis)
    parts.chart(
        figures.comparison(curves, axis, scheme).update_layout(uirevision=axis),
        key=key,
        name="loss of each run",
        shape=(len(curves),),
        how_to_read=f"over {AXES[axis]}. With points: validation loss. Pale: training loss, "
        "smoothed. Losses compare only between runs with the same text and tokenizer; bits a byte, "
        "in the table, compare between tokenizers too.",
        table=_rows(curves, axis),
    )
    parts.table(comparing.table(runs), f"{key}_settings")


def _is_readable(run: Run) -> bool:
    """Whether a run's settings can be read; if not, a sentence names it."""
    try:
        _ = run.config
    except ValueError as error:
        parts.problem(f"{run.name} is left out: {error}.")
        return False
    return True


def _rows(curves: list[Curve], axis: Axis) -> pd.DataFrame:
    """Every point of every curve."""
    frames = []
    for curve in curves:
        validated = dict(zip(curve.val_x.tolist(), curve.val_loss.tolist(), strict=True))
        losses = [validated.get(x, np.nan) for x in curve.x.tolist()]
        columns = {axis: curve.x, "training loss": curve.train_loss, "validation loss": losses}
        frames.append(pd.DataFrame({"run": curve.name, **columns}))
    return pd.concat(frames) if frames else pd.DataFrame()


def _new_experiment(draft: Draft) -> None:
    variants = experiments.variants(draft.config)
    left, right = st.columns([4, 1], vertical_alignment="bottom")
    wanted = left.multiselect("What to try", list(variants), list(variants), key="variants")
    if right.button("Queue them", key="queue", width="stretch", disabled=len(wanted) < 2):
        try:
            path = draft.text.stored()
            settings = {name: replace(variants[name], data=path) for name in wanted}
            made = experiments.start(f"{draft.name} experiment", settings)
        except (ValueError, OSError) as error:
            parts.failure(error)
            return
        st.session_state["experiment"] = made.id
        st.session_state["run_next"] = next(iter(made.runs.values())).id
        st.rerun()


def _ranked(found: Experiment, scheme: Scheme) -> None:
    st.fragment(_ranking, run_every=look_again_at(list(found.runs.values())))(found, scheme)


def _ranking(found: Experiment, scheme: Scheme) -> None:
    table = experiments.ranking(found)
    if table["best validation loss"].notna().any():
        parts.chart(
            figures.ranking(table, scheme),
            key="ranking",
            name="best validation loss",
            shape=(len(table),),
            how_to_read="the lowest validation loss that each variant has reached. A difference of "
            "some hundredths may be chance: another seed would move the losses, too.",
            table=table,
        )
    st.dataframe(table, hide_index=True, key="ranked")


def _kept(key: str, options: list[str]) -> str:
    """What was chosen before, if it is still there, else the first."""
    before = st.session_state.get(key)
    return before if before in options else options[0]
