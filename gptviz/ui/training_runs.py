"""The runs of this machine: choose one, steer it, open its model on the other pages."""

from collections.abc import Callable

import pandas as pd
import streamlit as st

from gptviz import checkpoints
from gptviz.training import jobs
from gptviz.training.runs import LIVING, Run, State
from gptviz.ui import parts, training_setup
from gptviz.ui.pages import PAGES

SIGNS: dict[State, str] = {
    "queued": "◷",
    "running": "▶",
    "paused": "‖",
    "stopped": "■",
    "done": "✓",
    "failed": "✕",
    "crashed": "⚠",
}
LOOK_INSIDE = ("attention", "embeddings", "sampling", "overview")


def choose() -> Run | None:
    """The run to watch: from the address or the list, the first of the list for who just came.

    None if there is none, or if none is chosen.
    """
    problems = st.container()  # always there, so that what follows keeps its place
    if "run_next" in st.session_state:
        st.session_state["run"] = st.session_state.pop("run_next")
    runs = {run.id: run for run in jobs.list_runs()}
    first = next(iter(runs), None)
    wanted = st.session_state.get("run", st.query_params.get("run", first))
    if wanted is not None and wanted not in runs:
        _remember(f"there is no run {wanted[:80]!r}; choose one from the list, or start one")
        wanted = None
    with problems:
        _tell_problem()
    # Labels change with the states; said anew each time, the choice does not depend on them. It
    # stays with the session under a name that is no control's, for other pages have no such one.
    st.session_state["run"] = st.session_state["run_choice"] = wanted
    if not runs:
        return None
    listed, steered = st.columns([5, 7], vertical_alignment="bottom", gap="medium")
    chosen = listed.selectbox(
        "Run to watch",
        list(runs),
        key="run_choice",
        on_change=lambda: st.session_state.update(run=st.session_state["run_choice"]),
        index=None,
        format_func=lambda run_id: label(runs[run_id]),
        placeholder=f"Choose one of {len(runs)}",
    )
    if not chosen:
        st.query_params.pop("run", None)
        return None
    st.query_params["run"] = chosen
    with steered:
        _controls(runs[chosen])
    return runs[chosen]


def label(run: Run) -> str:
    """A run's name and state in words and sign."""
    return f"{run.name}   {in_words(run)}"


def in_words(run: Run) -> str:
    """A run's state in words and sign; how many are before it where it waits."""
    state = jobs.state(run)
    waits = f", {jobs.queue_position(run)} before it" if state == "queued" else ""
    shipped = ", ships with gptviz" * run.is_shipped
    return f"{SIGNS[state]} {state}{waits}{shipped}"


def _controls(run: Run) -> None:
    """What can be done with a run in its state; of one that ships, only a clone can be made."""
    if run.is_shipped:
        with st.container(horizontal=True, gap="small", vertical_alignment="center"):
            _button("Clone settings", training_setup.clone, run, after=_look_at_the_form)
            st.caption(
                "It ships with gptviz and stays as it is. A clone of its settings is yours, and "
                "reads the text that you choose.",
                width="stretch",
            )
        return
    state = jobs.state(run)
    asked = run.control.get("command") if state in LIVING else None
    with st.container(horizontal=True, gap="small"):
        if state in LIVING:
            _button("‖ Pause", jobs.pause, run, disabled=bool(asked))
            _button("■ Stop", jobs.stop, run, disabled=bool(asked))
            _learning_rate(run)
        elif state != "done":
            _button("▶ Resume", jobs.resume, run)
        _button("Clone settings", training_setup.clone, run, after=_look_at_the_form)
        _rename(run)
        if state not in LIVING:
            _delete(run)
    if asked:
        st.caption(f"It was asked to {asked} and writes a checkpoint first.")


def open_elsewhere(run: Run) -> None:
    """Links to the pages that look inside the run's model."""
    if run.id not in checkpoints.names():
        st.caption("Its model can be opened on the other pages after its first checkpoint.")
        return
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        st.markdown("Open its model on")
        for name in LOOK_INSIDE:
            page = PAGES[name]
            st.page_link(page.file, label=page.title, query_params={"model": run.id})


def table() -> None:
    """All runs with their states."""
    rows = []
    for run in jobs.list_runs():
        status = run.status
        rows.append(
            {
                "run": run.name,
                "state": in_words(run),
                "made": run.created[:16].replace("T", " "),
                "step": status.get("step"),
                "best validation loss": status.get("best_val_loss"),
                "folder": run.id,
            }
        )
    if rows:
        parts.table(pd.DataFrame(rows), "runs")
    else:
        st.markdown("There is no run yet. Press **Start** above.")


def _button(
    words: str,
    deed: Callable[[Run], None],
    run: Run,
    disabled: bool = False,
    after: Callable[[], None] | None = None,
) -> None:
    st.button(
        words, key=f"do_{deed.__name__}", on_click=_do, args=(deed, run, after), disabled=disabled
    )


def _do(deed: Callable[[Run], None], run: Run, after: Callable[[], None] | None = None) -> None:
    try:
        deed(run)
    except (ValueError, OSError) as error:
        _remember(str(error))
        return
    if after:
        after()


def _remember(problem: str) -> None:
    st.session_state["training_problem"] = problem


def _tell_problem() -> None:
    if problem := st.session_state.pop("training_problem", None):
        parts.failure(problem)


def _look_at_the_form() -> None:
    st.session_state["run"] = None


def _learning_rate(run: Run) -> None:
    with st.popover("Learning rate"):
        try:
            now = run.control.get("learning_rate") or run.config.learning_rate
        except ValueError as error:
            parts.failure(error)
            return
        st.number_input(
            "Highest rate from now on",
            value=now,
            min_value=0.0,
            step=1e-4,
            format="%g",
            key=f"rate_{run.id}",
            help="The schedule goes on; this is the rate that it is a share of.",
        )
        st.button(
            "Change",
            key="do_rate",
            on_click=lambda: _do(
                lambda run: jobs.set_learning_rate(run, st.session_state[f"rate_{run.id}"]), run
            ),
        )


def _rename(run: Run) -> None:
    with st.popover("Rename"):
        st.text_input("Name", run.name, key=f"name_{run.id}")
        st.button(
            "Save the name",
            key="do_rename",
            on_click=lambda: _do(
                lambda run: jobs.rename(run, st.session_state[f"name_{run.id}"]), run
            ),
        )


def _delete(run: Run) -> None:
    with st.popover("Delete"):
        st.markdown(f"Delete **{parts.literal(run.name)}** with its curve, samples and models?")
        _button("Delete for good", jobs.delete, run, after=_look_at_the_form)
