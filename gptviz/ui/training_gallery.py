"""Ready-made runs: failures beside runs that go well, and the birth of an induction head."""

from collections.abc import Sequence

import streamlit as st

from gptviz.figures.theme import Scheme
from gptviz.tokenizers.baselines import SHAKESPEARE
from gptviz.training import jobs, presets
from gptviz.training.failures import FAILURES, Failure
from gptviz.training.presets import Preset
from gptviz.training.runs import Run
from gptviz.ui import parts, training_inside, training_many


def gallery(scheme: Scheme) -> None:
    """Choose a failure, run it, and see it beside a run of the same seed that goes well."""
    titles = {failure.title: failure for failure in FAILURES}
    title = st.pills(
        "What can go wrong",
        list(titles),
        default=FAILURES[0].title,
        required=True,
        key="failure",
        bind="query-params",
    )
    failure = titles.get(title, FAILURES[0])  # an empty value in the URL chooses none
    st.markdown(f"**What is wrong.** {failure.cause}")
    st.markdown(f"**What to look at.** {failure.look_at}")
    runs = jobs.list_runs()
    pair = [run for preset in _pair(failure) if (run := _latest(runs, preset)) is not None]
    missing = [preset for preset in _pair(failure) if _latest(runs, preset) is None]
    words = "Run it again" if pair and not missing else "Run it beside one that goes well"
    if st.button(words, key="run_failure", type="primary"):
        _start(missing or [failure.preset])
    if pair:
        training_many.draw_beside(pair, "step", scheme, key="failure_curves")


def induction_lesson(scheme: Scheme) -> None:
    """Start the run on which the birth of an induction head can be seen, and see it."""
    st.markdown(
        "An **induction head** finds the last place at which the present token stood, and looks at "
        "what came next there. With it a model can repeat what it has never seen before. It is "
        "not built in: it comes about while the model learns, often all of a sudden."
    )
    st.markdown(presets.INDUCTION.words)
    latest = _latest(jobs.list_runs(), presets.INDUCTION)
    if st.button("Run it again" if latest else "Run it", key="run_induction", type="primary"):
        _start([presets.INDUCTION])
    if latest:
        training_inside.induction(latest, scheme, key="lesson")


def _pair(failure: Failure) -> tuple[Preset, Preset]:
    return failure.preset, failure.baseline


def _latest(runs: Sequence[Run], preset: Preset) -> Run | None:
    """The newest run of a preset: one of its name that was not made for something else."""
    wanted = {**preset.model, **preset.settings}
    for run in runs:
        settings = {**run.settings, **run.settings["model"]}
        same = all(settings.get(name) == value for name, value in wanted.items())
        if run.name == preset.title and same:
            return run
    return None


def _start(presets: Sequence[Preset]) -> None:
    """Queue a run of each preset, and watch the first."""
    try:
        started = [jobs.start(preset.on(SHAKESPEARE), preset.title) for preset in presets]
    except (ValueError, OSError) as error:
        parts.failure(error)
        return
    st.session_state["run_next"] = started[0].id
    st.rerun()
