"""Losses of a family of models over size and over compute, and what so small ones cannot say."""

from collections.abc import Callable
from functools import partial
from typing import cast

import numpy as np
import streamlit as st

from gptviz.app import choices, look, show
from gptviz.app.code import Code
from gptviz.app.glossary import introduce, term
from gptviz.app.theme import Scheme
from gptviz.subjects.scaling import analysis, figures, law_analysis, ready, sentences
from gptviz.subjects.scaling.analysis import Compute, Found, Size
from gptviz.subjects.scaling.families import Family
from gptviz.subjects.scaling.family import BATCH, CONTEXT, SHAPES, STEPS
from gptviz.subjects.scaling.law_analysis import Law, PowerLaw
from gptviz.subjects.scaling.published_analysis import PUBLISHED, Axis, beside, exponents

SIZE_KEYS, COMPUTE_KEYS = ("counted_size",), ("counted_compute",)  # of the address
LAWS: dict[str, str] = {"line": "a straight line", "floor": "with a floor"}
SIZE_WORDS = {"without": "without embeddings", "all": "all"}
COMPUTE_WORDS = {"six": "6 · N · tokens", "counted": "counted part by part"}
RANGE = (
    "The grey band holds 95 of 100 laws when as many models are drawn anew from these, each as "
    "often as it comes; with so few models it is rather too narrow. The solid line: the "
    "nearest law, with its exponent. Dashed: the nearest law with the exponent of the paper. "
)


def by_size(family: Family, scheme: Scheme) -> None:
    """The last loss of each model over its parameters."""
    counted, law = _chosen("counted_size", "Parameters N", SIZE_WORDS)
    _watched(partial(_by_size, family, cast(Size, counted), law, scheme), family)


def by_compute(family: Family, scheme: Scheme) -> None:
    """The loss of each model on its way, over what was calculated for it."""
    counted, law = _chosen("counted_compute", "Compute C", COMPUTE_WORDS)
    _watched(partial(_by_compute, family, cast(Compute, counted), law, scheme), family)


def _chosen(key: str, label: str, options: dict[str, str]) -> tuple[str, Law]:
    left, right = st.columns(2)
    with left:
        counted = choices.one_of(key, label, options)
    with right:
        return counted, cast(Law, choices.one_of("law", "The law to fit", LAWS))


def _watched(draw: Callable[[], None], family: Family) -> None:
    """Draw it now, and again while a model of the family is trained."""
    st.fragment(_told, run_every=family.again)(draw)


def _told(draw: Callable[[], None]) -> None:
    try:
        draw()
    except ValueError as error:
        show.failure(error)


def _by_size(family: Family, counted: Size, law: Law, scheme: Scheme) -> None:
    found = analysis.by_size(family.courses, counted, law)
    if found.points.empty:
        st.markdown("There will be points here when the first model has taken all its steps.")
        return
    laws, theirs = _laws(found, law, law_analysis.all_of, "size")
    st.markdown(introduce(sentences.fell(found), "nats"))
    show.chart(
        figures.by_size(found, laws, theirs, _authors("size", law), scheme),
        key="loss_by_size",
        name="validation loss of each model",
        shape=(len(found.points),),
        how_to_read="each point is a model at the end of its training, and both axes multiply: a "
        f"step to the right is as many times more. A {term('power law')} without a floor is a "
        f"straight line there. {RANGE}N of Kaplan et al. leaves the embeddings out, that of "
        "Hoffmann et al. counts all: at small sizes that alone changes the exponent (Pearce and "
        "Song, 2024, Reconciling Kaplan and Chinchilla Scaling Laws).",
        table=found.points,
        code=Code(
            analysis.by_size,
            (
                *family.lines,
                f"found = by_size(read, {counted!r}, {law!r})",
                *_draws_lines(found, law, "all_of", "size"),
                "table = found.points",
            ),
        ).drawn(figures.by_size, f"found, laws, theirs, {_authors('size', law)!r}"),
    )
    st.markdown(_said(found, laws, law, "size"))
    _beside(found, laws, "size")


def _by_compute(family: Family, counted: Compute, law: Law, scheme: Scheme) -> None:
    courses = family.courses
    found = analysis.by_compute(courses, counted, law)
    if found.points.empty:
        st.markdown("There will be lines here after the first validation.")
        return
    laws, theirs = _laws(found, law, law_analysis.frontier, "compute")
    st.markdown(introduce(sentences.fell(found), "nats"))
    show.chart(
        figures.by_compute(courses, found, laws, theirs, _authors("compute", law), scheme),
        key="loss_by_compute",
        name="validation loss of each model, step by step",
        shape=(courses["model"].nunique(), len(courses)),
        how_to_read="each line is a model on its way; with little compute a small model is best, "
        "with more a larger one. Points: the lowest loss that any model has for so much compute, "
        f"and the law is nearest to them. {RANGE}Compute is counted in operations (FLOPs): 6 for "
        "each parameter without embeddings and each token read, or exactly, part by part, as on "
        "the page Anatomy, times 3 for the way back. In the middle of a run its learning rate is "
        "still high: a run that was planned to end there would end lower (Hoffmann et al., 2022).",
        table=found.points,
        code=Code(
            analysis.by_compute,
            (
                *family.lines,
                f"found = by_compute(read, {counted!r}, {law!r})",
                *_draws_lines(found, law, "frontier", "compute"),
                "table = found.points",
            ),
        ).drawn(figures.by_compute, f"read, found, laws, theirs, {_authors('compute', law)!r}"),
    )
    st.markdown(_said(found, laws, law, "compute"))
    _beside(found, laws, "compute")


def limits(family: Family) -> None:
    """How far these runs are from those of the papers, and what follows from that."""
    courses = family.courses
    if courses.empty:
        st.markdown("There will be numbers here after the first validation.")
        return
    st.markdown(introduce(sentences.limits(courses), "nats", "seed"))
    with st.container(key="scroll_ranges"):  # where the page is narrower
        st.markdown(sentences.ranges(beside(courses)))


def train(
    family: Family,
    offer: Callable[..., None],
    steer: Callable[..., None],
    show_next: Callable[[str], None],
) -> None:
    """Queue the family on this machine, and see how far it is."""
    about = ready.about()
    st.markdown(
        f"{len(SHAPES)} models of {SHAPES[0][0]} to {SHAPES[-1][0]} layers and a width of "
        f"{SHAPES[0][1]} to {SHAPES[-1][1]}, each for {STEPS:,} steps of {BATCH} × {CONTEXT} "
        f"characters of the plays, the same for all, one after the other. The ready-made ones have "
        f"these settings, too: {term('seed')} 0, PyTorch {about['torch']}, {about['machine']}, "
        f"which takes about {about['minutes']} minutes where nothing else runs. They can be "
        "stopped, and go on where they were; the pictures grow with each that is done. Each is a "
        "run like any other on the page Training, and a model to look into."
    )
    words = "Train them here" if family.experiment is None else "Train them once more"
    offer(words, then=show_next)
    if family.experiment:
        steer(family.experiment)


def _laws(
    found: Found, law: Law, choose: law_analysis.Choose, axis: Axis
) -> tuple[np.ndarray, PowerLaw | None]:
    """The laws of all draws of models, and the nearest law with the published exponent."""
    if found.law is None:
        return np.empty((0, 3)), None
    x, y = choose(*found.every[:2])
    theirs = law_analysis.fit(x, y, law, PUBLISHED[axis, law].exponent)
    laws = look.look_for_long(
        law_analysis.draws, *found.every, law, choose, 0, words="Drawing models anew …"
    )
    return laws, theirs


def _authors(axis: Axis, law: Law) -> str:
    """Who published an exponent, without the year: a name for a legend."""
    return PUBLISHED[axis, law].source.partition(" (")[0]


def _said(found: Found, laws: np.ndarray, law: Law, axis: Axis) -> str:
    return sentences.law(found, laws, PUBLISHED[axis, law], axis)


def _draws_lines(found: Found, law: Law, choose: str, axis: Axis) -> tuple[str, ...]:
    if found.law is None:
        return ("import numpy as np", "laws, theirs = np.empty((0, 3)), None")
    names = ", ".join(sorted((choose, "draws", "fit")))
    published = PUBLISHED[axis, law].exponent
    return (
        f"from gptviz.subjects.scaling.law_analysis import {names}",
        f"laws = draws(*found.every, {law!r}, {choose})  # floor, factor, exponent of each draw",
        f"theirs = fit(*{choose}(*found.every[:2]), {law!r}, {published!r})  # their exponent",
        "exponent = found.law.exponent",
    )


def _beside(found: Found, laws: np.ndarray, axis: Axis) -> None:
    if found.law:
        show.table(exponents(found.law, laws, axis), f"exponents_by_{axis}")
