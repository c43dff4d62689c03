"""What a run leaves behind: sample texts, a verdict on its curve, and where its time went."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import streamlit as st

from gptviz import jobs
from gptviz.app import show
from gptviz.app.live import look_again
from gptviz.disk import Row
from gptviz.jobs import health
from gptviz.jobs.health import Rule
from gptviz.runs import Run
from gptviz.subjects.training import about
from gptviz.subjects.training import memorised_analysis as memorised
from gptviz.subjects.training.marked_text import marked_text
from gptviz.subjects.training.memorised_analysis import Passage
from gptviz.subjects.training.text import version
from gptviz.training import texts, way
from gptviz.training.record import gradients, metrics
from gptviz.training.record.metrics import History
from gptviz.training.record.samples import read as read_samples

SAMPLES_SHOWN = 40
SHORT = 50_000  # bytes of a text that a model may well learn by heart
SAMPLES_MARKED = 5  # the latest: each is searched for in the whole text
SIGNS: dict[Rule, str] = {"healthy": "✓", "too-early": "◷"}
FAULT = "⚠"


def samples(run: Run) -> None:
    """What the model wrote at some steps, the latest first."""
    st.fragment(_samples, run_every=look_again(jobs.state(run), 4.0))(run)


def verdict(run: Run) -> None:
    """What the curve says about the settings, and what each step's time goes to."""
    st.fragment(_verdict, run_every=look_again(jobs.state(run), 5.0))(run)


def _samples(run: Run) -> None:
    rows = read_samples(run.folder)
    if not rows:
        every = run.settings.get("sample_interval", 0)
        st.markdown(
            f"The model writes its first sample at step {every:,}."
            if every
            else "This run writes no samples; *Write every* in the settings turns them on."
        )
        return
    st.caption(
        f"{len(rows)} texts, the latest first. The dice are the same each time, so what changes "
        "is the model."
    )
    data = run.text  # of a run that ships it is not here
    with_marks = data is not None and st.toggle(
        "Mark what stands in the text word for word",
        value=data.is_file() and data.stat().st_size < SHORT,
        key=f"memorised_{run.id}",
    )
    with st.container(height=420):
        for row in rows[: -SAMPLES_SHOWN - 1 : -1]:
            st.markdown(f"**step {row['step']:,}**")
            text = written(row)
            if data and with_marks and row in rows[-SAMPLES_MARKED:]:
                try:
                    marked(text, _memorised(version(data), text), key=f"sample_{row['step']}")
                except (ValueError, OSError) as error:
                    show.failure(error)
            else:
                st.code(text, language=None, wrap_lines=True)


def written(row: Row) -> str:
    """A sample with its prompt, as the page shows it."""
    return row["prompt"].lstrip("\n") + row["text"]


def marked(text: str, found: Sequence[Passage], key: str) -> None:
    """A sample with the passages that the model has read in this very form."""
    marked_text(text, [(passage.start, passage.end) for passage in found], key=key)
    st.caption(
        f"{memorised.share(found, text):.0%} of it stands in passages of "
        f"{memorised.N_CHARACTERS} characters or more that the text holds too."
    )


@st.cache_data(max_entries=256, show_spinner="Searching the text …")
def _memorised(data: tuple[str, int, int], sample: str) -> list[Passage]:
    read, _ = memorised.halves("".join(texts.characters(Path(data[0]))))
    return memorised.passages(sample, read)


def _verdict(run: Run) -> None:
    course = metrics.read(run.folder)
    left, right = st.columns(2, gap="large")
    with left:
        _findings(run, course)
    with right:
        _time(course)
        _ways(run)


def _findings(run: Run, course: History) -> None:
    try:
        diverged, layers = run.status.get("diverged", False), gradients.read(run.folder)
        findings = health.judge(course, run.config, diverged, layers)
    except ValueError as error:
        show.failure(f"there is no verdict without the run's settings: {error}")
        return
    st.markdown(about.fall(course, run.config.copy_steps))
    for finding in findings:
        sign, title = SIGNS.get(finding.rule, FAULT), health.TITLES[finding.rule]
        st.markdown(f"**{sign} {title}** — {finding.verdict}")
        st.caption(finding.evidence)
    st.caption(
        "The rules read the curve, and the gradients of the layers where the run measures them. "
        "They are rules of thumb; the numbers are facts."
    )


def _time(course: History) -> None:
    shares = course.time_shares()
    if not shares:
        st.markdown("Where the time goes is known after the first steps.")
        return
    st.markdown("**Where the time of a step goes**, lately")
    table = pd.DataFrame({"part": list(shares), "share": list(shares.values())})
    st.dataframe(
        table,
        hide_index=True,
        key="time_shares",
        column_config={
            "share": st.column_config.ProgressColumn(format="percent", min_value=0, max_value=1)
        },
    )


def _ways(run: Run) -> None:
    """What each way to compute a step took that was tried before the first one."""
    chosen, tried = way.of_run(run.status)
    if not tried:
        return
    windows = tried[0].windows
    st.markdown(
        f"**What was tried before the first step**, on {windows} window{'s' if windows > 1 else ''}"
    )
    st.caption("A way that takes more than nine tenths of another's time does not replace it.")
    table = pd.DataFrame(
        {
            "milliseconds": [1000 * trial.seconds for trial in tried],
            "taken": ["✓" if trial.way == chosen else "" for trial in tried],
            "way": [str(trial.way) for trial in tried],
        }
    )
    show.table(table, "ways_tried")
