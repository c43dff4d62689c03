"""The runs of this machine: choose one, open its model on the other pages, see them all."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from gptviz import checkpoints, jobs
from gptviz.app import show
from gptviz.app.pages import PAGES
from gptviz.quoting import quoted
from gptviz.runs import LIVING, Run, State
from gptviz.runs.compare import TITLES
from gptviz.subjects.training import rights, steering

STATES: dict[State, str] = {
    "queued": "◷ queued",
    "running": "▶ running",
    "paused": "‖ paused",
    "stopped": "■ stopped",
    "done": "✓ done",
    "failed": "✕ failed",
    "crashed": "⚠ crashed",
}
SHIPPED = "✓ shipped"
IS_NEXT = "◷ queued, the next one"
WAITS = "◷ queued, {ahead} before it"
YOURS = " · yours"
LOOK_INSIDE = ("attention", "embeddings", "sampling", "overview")
# Streamlit's links to pages look like labels.
LINKS = """<style>
.st-key-open_elsewhere a p { text-decoration: underline; text-underline-offset: 0.2em; }
</style>"""


def choose() -> Run | None:
    """The run to watch: from the address or the list, or else the one that `begins` names.

    None if there is none, or if none is chosen.
    """
    problems = st.container()  # always there, so that what follows keeps its place
    if "run_next" in st.session_state:
        st.session_state["run"] = st.session_state.pop("run_next")
    runs = {run.id: run for run in jobs.list_runs()}
    first = begins(list(runs.values()))
    wanted = st.session_state.get("run", st.query_params.get("run", first and first.id))
    if wanted is not None:
        st.session_state["unknown_run"] = wanted if wanted not in runs else None
        wanted = wanted if wanted in runs else None
    with problems:
        steering.tell_problem()
        if unknown := st.session_state.get("unknown_run"):
            show.failure(
                f"there is no run {quoted(unknown, 80)}; choose one from the list, or start one"
            )
    # Labels change with the states; said anew each time, the choice does not depend on them. It
    # stays with the session under a name that is no control's, for other pages have no such one.
    st.session_state["run"] = st.session_state["run_choice"] = wanted
    if not runs:
        return None
    listed, steered = st.columns([6, 7], vertical_alignment="bottom", gap="medium")
    chosen = listed.selectbox(
        "Run to watch",
        list(runs),
        key="run_choice",
        on_change=lambda: st.session_state.update(run=st.session_state["run_choice"]),
        index=None,
        format_func=lambda run_id: label(runs[run_id]),
        placeholder=f"Choose one of {len(runs)}",
        label_visibility="collapsed",
    )
    if not chosen:
        st.query_params.pop("run", None)
        return None
    st.query_params["run"] = chosen
    with steered:
        steering.controls(runs[chosen])
    with st.container():  # always there: what draws itself anew below keeps its place
        steering.explained(runs[chosen])
    return runs[chosen]


def begins(runs: Sequence[Run]) -> Run | None:
    """The run with which the page opens: one that trains now, one that waits, or the first."""
    states = {jobs.state(run): run for run in reversed(runs)}
    return states.get("running") or states.get("queued") or next(iter(runs), None)


def label(run: Run) -> str:
    """A run's name, its state in words and sign, and whether it is the visitor's."""
    return f"{run.name}   {in_words(run)}{YOURS if rights.is_mine(run) else ''}"


def in_words(run: Run) -> str:
    """A run's state in words and sign; how many are before it where it waits."""
    state = jobs.state(run)
    if run.is_shipped:
        return SHIPPED
    if state == "queued":
        ahead = jobs.queue_position(run)
        return WAITS.format(ahead=ahead) if ahead else IS_NEXT
    return STATES[state]


def open_elsewhere(run: Run) -> None:
    """Links to the pages that look inside the run's model."""
    if run.id not in checkpoints.names():
        if jobs.state(run) in LIVING:
            st.caption("Its model can be opened on the other pages after its first checkpoint.")
        return
    st.html(LINKS)
    with st.container(
        horizontal=True, gap="small", vertical_alignment="center", key="open_elsewhere"
    ):
        st.markdown("Open its model on", width="content")
        for name in LOOK_INSIDE:
            page = PAGES[name]
            label = f":primary[{page.title}]"
            st.page_link(page.file, label=label, query_params={"model": run.id}, width="content")


def table() -> None:
    """All runs with their states."""
    rows = [
        {
            "run": run.name,
            "state": in_words(run),
            "made": run.created[:16].replace("T", " "),
            "step": run.status.get("step"),
            "best_val_loss": run.status.get("best_val_loss"),
        }
        for run in jobs.list_runs()
    ]
    if rows:
        show.table(show.titled(pd.DataFrame(rows), TITLES), "runs")
    else:
        st.markdown("There is no run yet. Press **Start** above.")
