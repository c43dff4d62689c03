"""The list of symptoms: what is seen, what it means, what to try, and where it can be watched."""

import streamlit as st

from gptviz.app import address, choices, show
from gptviz.app.code import Code
from gptviz.app.glossary import introduce
from gptviz.app.pages import PAGES
from gptviz.app.theme import Scheme
from gptviz.jobs.failures import FAILURES
from gptviz.runs.curves import SMOOTHING
from gptviz.subjects.debugging import figures, symptom_analysis
from gptviz.subjects.debugging.symptoms import SYMPTOMS, TITLES

OWN = "debugging"  # this page
KEYS = ("symptom",)  # of the address
WORDS = ("gradient", "head", "seed", "top-k")  # of the glossary, in what is said of a symptom
FAILURE = {failure.preset.name: failure for failure in FAILURES}


def symptoms(scheme: Scheme) -> None:
    """Answer the questions from above; the first yes decides."""
    titles = {name: f"{i}. {each.title}" for i, (name, each) in enumerate(SYMPTOMS.items(), 1)}
    chosen = choices.pill("symptom", "Ask in this order; the first yes decides", titles)
    symptom = SYMPTOMS[chosen]
    left, right = st.columns([1, 1], gap="large")
    with left:
        st.markdown(f"**{symptom.question}**")
        st.markdown(symptom.meaning)
        remedies = "\n".join(f"- {remedy}" for remedy in symptom.remedies)
        st.markdown(introduce(remedies, *WORDS))
        for name in symptom.failures:
            _link(
                "training",
                f"In the failure gallery: {FAILURE[name].title}",
                {"runs_tab": "failures", "failure": name},
            )
        for link in symptom.links:
            if link.page == OWN:
                st.button(
                    link.words,
                    key=f"open_{link.query['tab']}",
                    type="tertiary",
                    on_click=choices.open_tab,
                    args=(TITLES[link.query["tab"]],),
                )
            else:
                _link(link.page, link.words, dict(link.query))
    with right:
        _curves(symptom.failures, scheme)
    with st.expander("The whole list, to print"):
        lines = "\n".join(_line(i, name) for i, name in enumerate(SYMPTOMS, 1))
        st.markdown(introduce(lines, *WORDS))


def _curves(names: tuple[str, ...], scheme: Scheme) -> None:
    """The runs of the gallery that show it, beside one that goes well."""
    table = symptom_analysis.curves(names)
    if table.empty:
        st.markdown("A curve does not show this one: ask, and look where the links lead.")
        return
    guesses = symptom_analysis.guesses(names)
    show.chart(
        figures.beside(table, guesses, scheme),
        key="symptom_curves",
        name=f"train_loss, smoothed by {SMOOTHING}",
        shape=(len(table),),
        how_to_read="the first line of each pair goes wrong, the other has the same seed and goes "
        "well. Does yours look like one of them? These runs ship with gptviz; the failure gallery "
        "tells what was changed, shows what they write, and trains them anew. Smoothed by "
        f"{SMOOTHING}: each value weighs {SMOOTHING} times what the one after it weighs. What "
        "climbs beyond twice its start leaves the picture. Dotted: what a blind guess pays, and "
        "what counting tokens or pairs of them reaches on the same text.",
        table=table,
        code=Code(symptom_analysis.curves, (f"table = curves({names!r})",)).drawn(
            figures.beside, f"table, {guesses!r}"
        ),
    )


def _link(page: str, words: str, query: dict[str, str]) -> None:
    carried = {**address.choices(), **query}
    st.page_link(PAGES[page].file, label=words, query_params=carried, width="content")


def _line(i: int, name: str) -> str:
    symptom = SYMPTOMS[name]
    return f"{i}. **{symptom.question}** {symptom.meaning} *{' '.join(symptom.remedies)}*"
