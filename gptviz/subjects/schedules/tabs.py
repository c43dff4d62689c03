"""Six schedules drawn, and tried on one tiny GPT."""

import streamlit as st

from gptviz.app import address, choices, look, show, typed
from gptviz.app.code import Code
from gptviz.app.glossary import term
from gptviz.app.pages import PAGES
from gptviz.app.theme import Scheme
from gptviz.jobs.experiments import TITLES
from gptviz.runs.curves import SMOOTHING
from gptviz.subjects.downhill.gpt_analysis import MODEL, guesses
from gptviz.subjects.schedules import analysis, figures
from gptviz.training.optimizer import STAIRS

RATE_KEYS = ("warmup_share", "last_share")  # of the address
RUN_KEYS = ("highest_rate", "schedule_seed")
WARMUPS = {"0.02": "2 %", "0.05": "5 %", "0.1": "10 %", "0.2": "20 %", "0.5": "50 %"}
LASTS = {"0": "0", "0.01": "a hundredth", "0.1": "a tenth", "0.3": "× 0.3", "1": "the highest"}
HIGHEST = ("0.003", "0.01", "0.03", "0.1", "0.3")


def rates(scheme: Scheme) -> None:
    """The learning rate of each step, by six schedules."""
    places = st.columns(2)
    with places[0]:
        warmup = float(
            choices.one_in_order("warmup_share", "Warm-up: of the steps", WARMUPS, "0.1")
        )
    with places[1]:
        last = float(choices.one_in_order("last_share", "Last rate", LASTS, "0.1"))
    table = analysis.six(warmup, last)
    half = table.iloc[analysis.STEPS // 2]
    st.markdown(
        f"Half-way, at step {half['step']:.0f} of {analysis.STEPS}, the rate is "
        f"**{half['linear']:.2f}** of the highest on a straight line, **{half['cosine']:.2f}** on "
        f"a cosine and **{half['stairs']:.2f}** in stairs."
    )
    show.chart(
        figures.six(table, scheme),
        key="rates",
        name="learning rate",
        shape=(analysis.STEPS, len(table.columns) - 1),
        how_to_read="most schedules end low: large steps find the region, small ones the place in "
        f"it. The {term('warm-up')} at the beginning is for the first gradients, which say little, "
        f"since all weights are still random, and for {term('Adam')}'s means, which know only a "
        "few of them. A cosine stays high for longer than a straight line and low for longer at "
        f"the end. Stairs halve the rate after each of {STAIRS} equal parts, down to the last rate "
        "at most. *The learning rate* of a run is drawn the same way below its settings on the "
        "page Training, before it starts. Cosine: Loshchilov and Hutter (2017), without their "
        "restarts.",
        table=table,
        code=Code(analysis.six, (f"table = six({warmup!r}, {last!r})",)).drawn(figures.six),
    )


def six_runs(scheme: Scheme) -> None:
    """One tiny GPT, trained with each of the six."""
    places = st.columns([3, 1])
    with places[0]:
        options = dict(zip(HIGHEST, HIGHEST, strict=True))
        highest = float(choices.one_in_order("highest_rate", "Highest rate", options, "0.1"))
    with places[1]:
        seed = typed.seed("schedule_seed")
    table = look.look_for_long(
        analysis.courses, highest, seed, words="Training the same GPT with each schedule …"
    )
    means = table.drop(columns="step").tail(analysis.LAST).mean().sort_values()
    ranked = ", ".join(f"{TITLES[str(name)]} **{mean:.3f}**" for name, mean in means.items())
    st.markdown(f"Mean loss of the last {analysis.LAST} steps, the lowest first: {ranked}.")
    show.chart(
        figures.courses(table, look.look(guesses), scheme),
        key="schedule_courses",
        name="loss",
        shape=(analysis.STEPS, len(means)),
        how_to_read="at a highest rate of 0.1, those whose rate falls end lower than the constant "
        "one: small steps at the end calm what large ones keep throwing about. At 0.003 there is "
        "nothing to calm, and whoever slows down only comes less far. A warm-up begins slower. All "
        "six start with the same weights and read the same batches, and one number differs: the "
        f"{term('learning rate')} of each step. It is the tiny GPT of Going downhill, width "
        f"{MODEL.n_embd}, with {term('AdamW')}; the lines are smoothed by {SMOOTHING}, so that "
        f"each value weighs {SMOOTHING} times what the one after it weighs, and the numbers are "
        "not. Dotted: what a blind guess pays, and what counting letters or pairs of them would "
        f"come to. Differences of some hundredths may be chance: try another {term('seed')}.",
        table=table,
        code=Code(analysis.courses, (f"table = courses({highest!r}, {seed})",)).drawn(
            figures.courses,
            "table, guesses()",
            "from gptviz.subjects.downhill.gpt_analysis import guesses",
        ),
    )
    st.page_link(
        PAGES["training"].file,
        label="Queue the same six for a model of your own: Experiments, on the page Training",
        query_params={**address.choices(), "runs_tab": "experiments", "vary": "schedules"},
        width="content",
    )
