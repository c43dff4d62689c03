"""The birth of induction heads in a run: their scores and the loss, on one axis of steps."""

import math

import streamlit as st

from gptviz import jobs
from gptviz.app import code, show
from gptviz.app.glossary import term
from gptviz.app.live import look_again
from gptviz.app.theme import Scheme
from gptviz.runs import Run
from gptviz.runs.curves import SMOOTHING, smooth
from gptviz.subjects.induction import birth_analysis, figures
from gptviz.training.record import induction, metrics

EVERY = 5.0  # seconds between two looks at a run that lives


def birth(run: Run, scheme: Scheme, key: str = "birth") -> None:
    """Loss and the induction score of every head, on one axis of steps."""
    st.fragment(_birth, run_every=look_again(jobs.state(run), EVERY))(run, scheme, key)


def _birth(run: Run, scheme: Scheme, key: str) -> None:
    found, course = induction.read(run.folder), metrics.read(run.folder)
    if not len(found.steps):
        st.markdown(
            "This run has not looked for induction heads: it does so at each snapshot, with a "
            "model that reads at least four tokens and has attention."
        )
        return
    loss = (course["step"], smooth(course["train_loss"], SMOOTHING))
    show.chart(
        figures.birth(found.scores, found.steps, loss, scheme).update_layout(uirevision=key),
        key=key,
        name="induction.jsonl",
        shape=found.scores.shape,
        how_to_read="random tokens are said twice, and a line that rises is a head that learns to "
        "look at what came next the first time. Its score is the share of its attention, at a "
        "token said again, that goes to the token that came next the first time (prefix matching "
        "score, Olsson et al., 2022, In-context Learning and Induction Heads). 1: it looks only "
        "there. Steps multiply along the axis.",
        table=birth_analysis.scores_over_steps(run),
        code=code.of_run(
            run, birth_analysis.scores_over_steps, "table = scores_over_steps(run)"
        ).drawn(
            figures.birth,
            "found.scores, found.steps, (course['step'], loss)",
            "from gptviz.training.record import induction, metrics",
            "from gptviz.runs.curves import smooth",
            "found, course = induction.read(run.folder), metrics.read(run.folder)",
            f"loss = smooth(course['train_loss'], {SMOOTHING!r})",
        ),
    )
    gain = found.loss_first[-1] - found.loss_second[-1]
    added = f"{gain:+.2f}".replace("-", "−")
    st.markdown(
        f"At step {found.steps[-1]:,}, a random token that is said again gets "
        f"**{math.exp(gain):,.2f} times the probability** that it got the first time (geometric "
        f"mean; {added} {term('nats')} a token). A model that looks back, with "
        f"{term('induction head', 'induction heads')}, gets far more."
    )
