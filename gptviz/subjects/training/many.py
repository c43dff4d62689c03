"""Several runs at once, for pages that train a family of models: queue them, stop, go on."""

from collections.abc import Callable, Mapping

import pandas as pd
import streamlit as st

from gptviz import jobs
from gptviz.app import visitors
from gptviz.app.show import note
from gptviz.disk_errors import in_words
from gptviz.jobs import experiments
from gptviz.jobs.experiments import Experiment
from gptviz.runs import LIVING, Run
from gptviz.runs.compare import TITLES
from gptviz.subjects.training import rights, runs, steering
from gptviz.subjects.training.compare_tabs import look_again_at
from gptviz.training.config import TrainingConfig
from gptviz.training.record import metrics

TITLES_HERE = {**TITLES, "variant": "model"}
Settings = Callable[[], Mapping[str, TrainingConfig]]


def offer(words: str, key: str, name: str, settings: Settings, then: Callable[[str], None]) -> None:
    """A button that queues a run for each of the settings, as one experiment of this name.

    then gets the experiment's id before the page is drawn anew.
    """
    refusal = rights.why_not_many(experiments.FEWEST)
    st.button(
        words,
        key=key,
        type="primary",
        disabled=bool(refusal),
        on_click=_queue,
        args=(name, settings, then),
    )
    if refusal:
        note(refusal)
    steering.tell_problem()


def steer(found: Experiment) -> None:
    """What each run of an experiment does, and buttons that stop them all or let them go on."""
    st.fragment(_steer, run_every=look_again_at(list(found.runs.values())))(found)


def _queue(name: str, settings: Settings, then: Callable[[str], None]) -> None:
    try:
        rights.require_many(experiments.FEWEST)
        made = experiments.start(name, settings(), owner=visitors.here().id)
    except (ValueError, OSError) as error:
        steering.remember(in_words(error))
        return
    then(made.id)


def _steer(found: Experiment) -> None:
    there = {name: run for name, run in found.runs.items() if run.folder.is_dir()}
    table = pd.DataFrame([_row(name, run) for name, run in there.items()])
    st.dataframe(table, hide_index=True, key="family_states", column_config=TITLES_HERE)
    mine = [run for run in there.values() if not rights.why_not_change(run)]
    living = [run for run in mine if jobs.state(run) in LIVING]
    waiting = [run for run in mine if jobs.state(run) not in (*LIVING, "done")]
    with st.container(horizontal=True):
        st.button("Stop all", key="stop_all", on_click=_stop, args=(living,), disabled=not living)
        st.button(
            "Go on",
            key="resume_all",
            on_click=_go_on,
            args=(waiting,),
            disabled=not waiting,
            help="Each run goes on from its last checkpoint, in the order of the list.",
        )
    steering.tell_problem()


def _stop(chosen: list[Run]) -> None:
    """The last of the queue first, or the next would begin where one ends."""
    for run in reversed(chosen):
        if jobs.state(run) in LIVING:  # it may have come to its end meanwhile
            _try(rights.owners(jobs.stop), run)


def _go_on(chosen: list[Run]) -> None:
    for run in chosen:
        if not _try(rights.resume, run):
            return


def _try(deed: Callable[[Run], None], run: Run) -> bool:
    try:
        deed(run)
    except (ValueError, OSError) as error:
        steering.remember(in_words(error))
        return False
    return True


def _row(name: str, run: Run) -> dict[str, object]:
    course = metrics.read(run.folder)
    _, losses = course.validations
    return {
        "variant": name,
        "state": runs.in_words(run),
        "steps": len(course),
        "val_loss": losses[-1] if len(losses) else None,
    }
