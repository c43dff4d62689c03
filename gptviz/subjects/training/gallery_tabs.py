"""Ready-made runs: failures beside runs that go well, and the birth of an induction head."""

from collections.abc import Callable, Sequence
from contextlib import suppress

import streamlit as st

from gptviz import jobs
from gptviz.app import address, choices, show, visitors
from gptviz.app.pages import PAGES
from gptviz.app.theme import Scheme
from gptviz.jobs import experiments, presets, shipping
from gptviz.jobs.failures import FAILURES, Failure
from gptviz.jobs.presets import Preset
from gptviz.runs import INDUCTION, LIVING, Run
from gptviz.subjects.training import about, compare_tabs, rights, tabs
from gptviz.subjects.training import memorised_analysis as memorised
from gptviz.subjects.training.runs import in_words
from gptviz.tokenizers.baselines import SHAKESPEARE
from gptviz.training.record import samples

KEYS = ("failure",)  # of the address
SHIPPED = "trained when gptviz was made, and ships with it"


def gallery(scheme: Scheme) -> None:
    """Choose a failure, and see it beside a run of the same seed that goes well; run it, too.

    Runs that ship with gptviz are shown until there are some of one's own.
    """
    failures = {failure.preset.name: failure for failure in FAILURES}
    titles = {name: failure.title for name, failure in failures.items()}
    failure = failures[choices.pill("failure", "What can go wrong", titles)]
    st.markdown(f"**What is wrong.** {failure.cause}")
    st.markdown(f"**What to look at.** {failure.look_at}")
    own = jobs.list_runs()
    pair = [
        (preset, presets.latest([*own, *shipping.gallery()], preset)) for preset in _pair(failure)
    ]
    shown = [(preset, run) for preset, run in pair if run]
    missing = [preset for preset in _pair(failure) if presets.latest(own, preset) is None]
    if not missing:
        words = "Run it again"
    elif any(run.is_shipped for _, run in shown):
        words = "Run it yourself"
    else:
        words = "Run it beside one that goes well"
    offer(words, "run_failure", missing or [failure.preset])
    if shown:
        runs = [run for _, run in shown]
        compare_tabs.draw_beside(runs, "step", scheme, key="failure_curves")
        again = compare_tabs.look_again_at(runs)
        st.fragment(_last_samples, run_every=again)(shown, failure.memorised)


def induction_lesson(scheme: Scheme, draw_birth: Callable[[Run, Scheme, str], None]) -> None:
    """Start the run on which the birth of an induction head can be seen, and see it."""
    st.markdown(
        "An **induction head** finds the last place at which the present token stood, and looks at "
        "what came next there. With it a model can repeat what it has never seen before. It is "
        "not built in: it comes about while the model learns, often all of a sudden."
    )
    st.markdown(presets.INDUCTION.words)
    own = presets.latest(jobs.list_runs(), presets.INDUCTION)
    shown = own or _shipped_birth()
    words = "Run it again" if own else "Run it yourself" if shown else "Run it"
    offer(words, "run_induction", [presets.INDUCTION])
    if shown:
        if shown.is_shipped:
            st.caption(f"{_heading(shown)}. {about.shape(shown.settings)}.")
        draw_birth(shown, scheme, "lesson")


def _pair(failure: Failure) -> tuple[Preset, Preset]:
    return failure.preset, failure.baseline


def _shipped_birth() -> Run | None:
    """A shipped run that looked for induction heads; that of the lesson's settings, if it ships."""
    of_lesson = presets.latest(shipping.gallery(), presets.INDUCTION)
    others = (run for run in jobs.list_runs() if run.is_shipped)
    return of_lesson or next((run for run in others if (run.folder / INDUCTION).is_file()), None)


def _heading(run: Run) -> str:
    """A run's name and where it comes from, or what it is doing, in a line of Markdown."""
    return f"**{show.literal(run.name)}** — {SHIPPED if run.is_shipped else in_words(run)}"


def _last_samples(shown: Sequence[tuple[Preset, Run]], with_marks: bool) -> None:
    """What each run wrote last, beside each other."""
    for place, (preset, run) in zip(st.columns(2, gap="large"), shown, strict=False):
        with place:
            st.markdown(_heading(run))
            rows = samples.read(run.folder)
            if not rows:
                st.markdown("It has not written a sample yet.")
                continue
            st.caption(f"What it wrote at step {rows[-1]['step']:,}:")
            text = tabs.written(rows[-1])
            if with_marks:
                read, _ = memorised.halves(preset.reads(SHAKESPEARE))
                found = memorised.passages(text, read)
                tabs.marked(text, found, key=f"last_of_{preset.name}")
            else:
                st.code(text, language=None, wrap_lines=True)


def offer(words: str, key: str, chosen: Sequence[Preset]) -> None:
    """The button that starts these, or the first where the visitor may start one at a time."""
    if rights.why_not_many(len(chosen)):
        chosen = chosen[:1]
    refusal = rights.why_not_train()
    with st.container():  # what draws itself anew below keeps its place
        if st.button(words, key=key, type="primary", disabled=bool(refusal)):
            _start(chosen)
        if refusal:
            show.note(refusal)


def offer_series(words: str, key: str, name: str, chosen: Sequence[Preset]) -> None:
    """The button that queues these as one experiment of that name, or stops those that live.

    It stops those that the visitor may change; where none of them is, it is left out.
    """
    own = jobs.list_runs()
    runs = [run for preset in chosen if (run := presets.latest(own, preset))]
    living = [run for run in runs if jobs.state(run) in LIVING]
    refusal = rights.why_not_many(len(chosen))
    with st.container(horizontal=True, vertical_alignment="center"):
        if living:
            mine = [run for run in living if not rights.why_not_change(run)]
            if mine and st.button("Stop those that are not done", key=f"{key}_stop"):
                _stop(mine)
            label = "Watch them on the page Training"
            query = {**address.choices(), "run": living[-1].id}
            st.page_link(PAGES["training"].file, label=label, query_params=query, width="content")
        elif st.button(words, key=key, type="primary", disabled=bool(refusal)):
            _queue(name, chosen)
    if refusal and not living:
        show.note(refusal)


def _queue(name: str, chosen: Sequence[Preset]) -> None:
    try:
        rights.require_many(len(chosen))
        with st.spinner("Queueing …"):
            owner = visitors.here().id
            made = experiments.start_presets(name, chosen, SHAKESPEARE, owner=owner)
    except (ValueError, OSError) as error:
        show.failure(error)
        return
    st.session_state["experiment"] = made.id
    st.session_state["run_next"] = next(iter(made.runs.values())).id
    st.rerun()


def _stop(living: Sequence[Run]) -> None:
    """Stop these, the last of the queue first, so that none of them begins meanwhile."""
    for run in reversed(living):
        with suppress(FileNotFoundError):
            try:
                rights.owners(jobs.stop)(run)
            except ValueError as error:  # somebody else's, or done by now
                show.failure(error)
                return
    st.rerun()


def _start(chosen: Sequence[Preset]) -> None:
    """Queue a run of each preset, and watch the first."""
    try:
        started = [
            rights.start(preset.on(SHAKESPEARE), preset.title, preset=preset.name)
            for preset in chosen
        ]
    except (ValueError, OSError) as error:
        show.failure(error)
        return
    st.session_state["run_next"] = started[0].id
    st.rerun()
