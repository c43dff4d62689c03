"""Which family of models a page shows: the one that ships, or one that was trained here."""

from dataclasses import dataclass

import pandas as pd
import streamlit as st

from gptviz import jobs
from gptviz.app import choices
from gptviz.jobs import experiments
from gptviz.jobs.experiments import Experiment
from gptviz.runs import LIVING
from gptviz.subjects.scaling import analysis, ready
from gptviz.subjects.scaling.family import NAMES

READY = "ready"
EVERY = 5.0  # seconds between two looks while a model is trained


@dataclass(frozen=True)
class Family:
    """Models to compare: those that ship, or an experiment of this machine."""

    title: str
    lines: tuple[str, ...]  # of Python, which make `read`
    experiment: Experiment | None = None
    again: float | None = None  # seconds until there may be more to see; None if nothing changes

    @property
    def courses(self) -> pd.DataFrame:
        """What they have validated so far, as `analysis.courses`."""
        if self.experiment is None:
            return ready.courses()
        there = [run for run in self.experiment.runs.values() if run.folder.is_dir()]
        return analysis.courses(there)


def choose() -> Family:
    """One of all; the one that ships unless chosen."""
    found = {READY: _ready()}
    for one in experiments.list_experiments(jobs.list_runs()):
        if one.runs.keys() <= set(NAMES):
            found[one.id] = _of(one)
    titles = {slug: family.title for slug, family in found.items()}
    chosen = found[choices.one_of_many("family", "Family of models", titles)]
    st.fragment(_follow, run_every=chosen.again)(chosen)
    return chosen


def show_next(experiment_id: str) -> None:
    """Choose a family that was queued just now, before the page is drawn anew."""
    choices.choose("family", experiment_id)


def _follow(drawn: Family) -> None:
    """Draw the page anew as soon as one more run is done, or the last one has ended."""
    if drawn.experiment and _of(drawn.experiment) != drawn:
        st.rerun()


def _ready() -> Family:
    lines = ("from gptviz.subjects.scaling import ready", "read = ready.courses()")
    return Family("ready-made: they ship with gptviz", lines)


def _of(one: Experiment) -> Family:
    states = [jobs.state(run) for run in one.runs.values()]
    done = states.count("done")
    return Family(
        f"{one.name}: {done} of {len(one.runs)} trained here",
        (
            "from gptviz.jobs import list_runs",
            "from gptviz.jobs.experiments import list_experiments",
            "from gptviz.subjects.scaling.analysis import courses",
            "experiments = {found.id: found for found in list_experiments(list_runs())}",
            f"read = courses(experiments[{one.id!r}].runs.values())",
        ),
        one,
        EVERY if any(state in LIVING for state in states) else None,
    )
