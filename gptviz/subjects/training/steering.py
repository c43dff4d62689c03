"""What a person does with a run: stop and resume it, change its rate and its name, delete it."""

from collections.abc import Callable

import streamlit as st

from gptviz import jobs
from gptviz.app import show
from gptviz.disk_errors import in_words
from gptviz.runs import LIVING, Command, Run
from gptviz.setting import LARGEST
from gptviz.subjects.training import analysis, rights, setup
from gptviz.subjects.training.rights import owners
from gptviz.training.settings import SETTINGS

ASKED: dict[Command, str] = {
    "pause": "It was asked to pause and writes a checkpoint first.",
    "stop": "It was asked to stop and writes a checkpoint first.",
}


RATE_STAYS = (
    "The schedule of the learning rate stays as it was planned, up to step {planned:,}; from there "
    "on the rate keeps its last value, {rate:.3g}. While the run goes on, *Learning rate* raises "
    "or lowers it."
)


def controls(run: Run) -> None:
    """What can be done with a run in its state.

    Of one that ships, or is somebody else's, only a clone can be made.
    """
    state = jobs.state(run)
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        if run.is_shipped or rights.why_not_change(run):
            _button("Clone settings", setup.clone, run, after=_look_at_the_form)
            return
        if state in LIVING:
            asked = run.control.get("command") is not None
            _button("‖ Pause", owners(jobs.pause), run, disabled=asked)
            _button("■ Stop", owners(jobs.stop), run, disabled=asked)
            _learning_rate(run)
        elif state != "done":
            _button("▶ Resume", rights.resume, run)
        if state == "done":
            _more_steps(run)
        _button("Clone settings", setup.clone, run, after=_look_at_the_form)
        if state not in LIVING:
            _rename(run)
            _delete(run)


def explained(run: Run) -> None:
    """Why the run cannot be changed, or what was asked of it and is still to come."""
    if not run.is_shipped and (why := rights.why_not_change(run)):
        st.caption(f"This run: {why}.")
    if jobs.state(run) in LIVING and (asked := run.control.get("command")):
        st.caption(ASKED[asked])


def remember(problem: str) -> None:
    """Keep a sentence for `tell_problem`, for a page that is drawn anew before it can tell it."""
    st.session_state["training_problem"] = problem


def tell_problem() -> None:
    """Tell what was remembered, once."""
    if problem := st.session_state.pop("training_problem", None):
        show.failure(problem)


def _button(
    words: str,
    deed: Callable[[Run], None],
    run: Run,
    disabled: bool = False,
    after: Callable[[], None] | None = None,
) -> None:
    key = f"do_{deed.__name__}"
    st.button(words, key=key, on_click=_do, args=(deed, run, after), disabled=disabled)


def _do(deed: Callable[[Run], None], run: Run, after: Callable[[], None] | None = None) -> None:
    try:
        deed(run)
    except (ValueError, OSError) as error:
        remember(in_words(error))
        return
    if after:
        after()


def _look_at_the_form() -> None:
    st.session_state["run"] = None


def _learning_rate(run: Run) -> None:
    with st.popover("Learning rate"):
        try:
            now = run.control.get("learning_rate") or run.config.learning_rate
        except ValueError as error:
            show.failure(error)
            return
        st.number_input(
            "Highest rate from now on",
            value=now,
            step=1e-4,
            format="%g",
            key=f"rate_{run.id}",
            help="The schedule goes on; this is the rate that it is a share of.",
        )
        st.button("Change", key="do_rate", on_click=_do, args=(owners(_change_rate), run))


def _change_rate(run: Run) -> None:
    jobs.set_learning_rate(run, st.session_state[f"rate_{run.id}"])


def _more_steps(run: Run) -> None:
    """Let a run that is done go on."""
    try:
        config = run.config
    except ValueError:  # another version wrote them, and the page says so where they are missed
        return
    with st.popover("More steps"):
        early = run.status.get("stopped_early", False)
        st.number_input(
            "Steps in all",
            value=config.steps if early else min(2 * config.steps, LARGEST),
            step=100,
            format="%d",
            key=f"more_{run.id}",
        )
        st.number_input(
            "Patience (validations)",
            value=0 if early else config.patience,
            step=1,
            format="%d",
            key=f"patience_{run.id}",
            help=SETTINGS["patience"].sentence,
        )
        planned, rate = analysis.last_rate(run)
        st.caption(RATE_STAYS.format(planned=planned, rate=rate))
        st.button("Go on", key="do_more", on_click=_do, args=(_lengthen, run))


def _lengthen(run: Run) -> None:
    asked = (st.session_state[f"{name}_{run.id}"] for name in ("more", "patience"))
    rights.lengthen(run, *(0 if number is None else number for number in asked))


def _rename(run: Run) -> None:
    with st.popover("Rename"):
        st.text_input("Name", run.name, key=f"name_{run.id}")
        st.button("Save the name", key="do_rename", on_click=_do, args=(owners(_save_name), run))


def _save_name(run: Run) -> None:
    st.session_state["run"] = jobs.rename(run, st.session_state[f"name_{run.id}"]).id


def _delete(run: Run) -> None:
    with st.popover("Delete"):
        st.markdown(f"Delete **{show.literal(run.name)}** with its curve, samples and models?")
        _button("Delete for good", owners(jobs.delete), run, after=_look_at_the_form)
