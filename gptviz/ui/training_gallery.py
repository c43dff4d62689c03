"""Ready-made runs: failures beside runs that go well, and the birth of an induction head."""

from collections.abc import Sequence

import streamlit as st

from gptviz.analysis import memorised
from gptviz.figures.theme import Scheme
from gptviz.tokenizers.baselines import SHAKESPEARE
from gptviz.training import jobs, jsonl, presets, shipping
from gptviz.training.failures import FAILURES, Failure
from gptviz.training.presets import Preset
from gptviz.training.runs import INDUCTION, SAMPLES, Run
from gptviz.ui import parts, training_inside, training_many, training_tabs
from gptviz.ui.training_live import about
from gptviz.ui.training_runs import in_words

SHIPPED = "shipped: trained when gptviz was made"


def gallery(scheme: Scheme) -> None:
    """Choose a failure, and see it beside a run of the same seed that goes well; run it, too.

    Runs that ship with gptviz are shown until there are some of one's own.
    """
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
    own = jobs.list_runs()
    pair = [(preset, _latest([*own, *shipping.gallery()], preset)) for preset in _pair(failure)]
    shown = [(preset, run) for preset, run in pair if run]
    missing = [preset for preset in _pair(failure) if _latest(own, preset) is None]
    if not missing:
        words = "Run it again"
    elif any(run.is_shipped for _, run in shown):
        words = "Run it yourself"
    else:
        words = "Run it beside one that goes well"
    if st.button(words, key="run_failure", type="primary"):
        _start(missing or [failure.preset])
    if shown:
        runs = [run for _, run in shown]
        training_many.draw_beside(runs, "step", scheme, key="failure_curves")
        every = training_many.look_again_at(runs)
        st.fragment(_last_samples, run_every=every)(shown, failure.memorised)


def induction_lesson(scheme: Scheme) -> None:
    """Start the run on which the birth of an induction head can be seen, and see it."""
    st.markdown(
        "An **induction head** finds the last place at which the present token stood, and looks at "
        "what came next there. With it a model can repeat what it has never seen before. It is "
        "not built in: it comes about while the model learns, often all of a sudden."
    )
    st.markdown(presets.INDUCTION.words)
    own = _latest(jobs.list_runs(), presets.INDUCTION)
    shown = own or _shipped_birth()
    words = "Run it again" if own else "Run it yourself" if shown else "Run it"
    if st.button(words, key="run_induction", type="primary"):
        _start([presets.INDUCTION])
    if shown:
        if shown.is_shipped:
            st.caption(f"{_heading(shown)}. {about(shown.settings)}.")
        training_inside.induction(shown, scheme, key="lesson")


def _pair(failure: Failure) -> tuple[Preset, Preset]:
    return failure.preset, failure.baseline


def _latest(runs: Sequence[Run], preset: Preset) -> Run | None:
    """The first of the runs that is of a preset: of its name, and not made for something else."""
    wanted = {**preset.model, **preset.settings}
    for run in runs:
        settings = {**run.settings, **run.settings["model"]}
        same = all(settings.get(name) == value for name, value in wanted.items())
        if run.name == preset.title and same:
            return run
    return None


def _shipped_birth() -> Run | None:
    """A shipped run that looked for induction heads; that of the lesson's settings, if it ships."""
    of_lesson = _latest(shipping.gallery(), presets.INDUCTION)
    others = (run for run in jobs.list_runs() if run.is_shipped)
    return of_lesson or next((run for run in others if (run.folder / INDUCTION).is_file()), None)


def _heading(run: Run) -> str:
    """A run's name and where it comes from, or what it is doing, in a line of Markdown."""
    return f"**{parts.literal(run.name)}** — {SHIPPED if run.is_shipped else in_words(run)}"


def _last_samples(shown: Sequence[tuple[Preset, Run]], with_marks: bool) -> None:
    """What each run wrote last, beside each other."""
    for place, (preset, run) in zip(st.columns(2, gap="large"), shown, strict=False):
        with place:
            st.markdown(_heading(run))
            rows = jsonl.rows(run.folder / SAMPLES)
            if not rows:
                st.markdown("It has not written a sample yet.")
                continue
            st.caption(f"What it wrote at step {rows[-1]['step']:,}:")
            text = training_tabs.written(rows[-1])
            if with_marks:
                read, _ = memorised.halves(preset.reads(SHAKESPEARE))
                found = memorised.passages(text, read)
                training_tabs.marked(text, found, key=f"last_of_{preset.name}")
            else:
                st.code(text, language=None, wrap_lines=True)


def _start(presets: Sequence[Preset]) -> None:
    """Queue a run of each preset, and watch the first."""
    try:
        started = [jobs.start(preset.on(SHAKESPEARE), preset.title) for preset in presets]
    except (ValueError, OSError) as error:
        parts.failure(error)
        return
    st.session_state["run_next"] = started[0].id
    st.rerun()
