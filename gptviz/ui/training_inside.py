"""What goes on inside a run: gradients and weights by layer, one parameter's numbers, heads."""

import pandas as pd
import streamlit as st

from gptviz.analysis import parameters
from gptviz.figures import induction as induction_figures
from gptviz.figures import layers as figures
from gptviz.figures.theme import Scheme
from gptviz.training import details, history, jobs
from gptviz.training.runs import Run
from gptviz.ui import controls, parts
from gptviz.ui.training_live import look_again

EVERY = 5.0  # seconds between two looks at a run that lives
MEASURES = {  # by what they are called in the address: what is measured, and on the picture
    "gradients": ("grad_norm", "gradient norm"),
    "weights": ("weight_norm", "weight norm"),
    "updates": ("update_ratio", figures.UPDATE),
}
WORDS = {
    "grad_norm": "how strongly the loss of a step pulls at the numbers of a part: the length of "
    "their gradient, before it is clipped",
    "weight_norm": "how large the numbers of a part are: their length as one vector",
    "update_ratio": "how far a step moves the numbers of a part, beside how large they are. Runs "
    "that learn well are often near 0.001 (Karpathy, 2022); a part far below it hardly learns",
}


def gradients(run: Run, scheme: Scheme) -> None:
    """Norms of gradients, weights and updates by part, and the numbers of one parameter."""
    measure, what = MEASURES[controls.choice("measure", "What is measured", list(MEASURES))]
    every = look_again(jobs.state(run), EVERY)
    st.fragment(_norms, run_every=every)(run, measure, what, scheme)
    _histogram(run, scheme)


def induction(run: Run, scheme: Scheme, key: str = "birth") -> None:
    """Loss and the induction score of every head, on one axis of steps."""
    st.fragment(_induction, run_every=look_again(jobs.state(run), EVERY))(run, scheme, key)


def _norms(run: Run, measure: str, what: str, scheme: Scheme) -> None:
    found = details.layers(run.folder)
    if not len(found.steps):
        st.markdown(
            "This run has not measured its layers yet."
            if run.settings.get("detail_interval", 10)
            else "This run does not measure its layers."
        )
        return
    values = found.values[measure]
    rows = pd.DataFrame(values, columns=list(found.groups))
    rows.insert(0, "step", found.steps)
    figure = figures.by_group(values, found.steps, found.groups, what, scheme)
    parts.chart(
        figure.update_layout(uirevision=measure),
        key="norms",
        name=what,
        shape=values.shape,
        how_to_read=f"{WORDS[measure]}. One line for each part of each layer; later layers are "
        "paler, and the axis multiplies.",
        table=rows,
    )
    if st.toggle("As a map", key="norms_map"):
        parts.chart(
            figures.norm_map(values, found.steps, found.groups, what, scheme).update_layout(
                uirevision=measure
            ),
            key="norms_mapped",
            name=what,
            shape=values.shape,
            how_to_read="the same numbers: one row for each part, from the embedding below to the "
            "last norm, one column for each measured step.",
            table=rows,
        )


def _histogram(run: Run, scheme: Scheme) -> None:
    kept = run.snapshots
    if not kept:
        st.caption("The numbers of single parameters can be seen after the first snapshot.")
        return
    left, right = st.columns(2, gap="large")
    try:
        names = parameters.parameter_names(run.folder, kept[-1])
        name = left.selectbox("Parameter", names, key="parameter")
        step = right.select_slider("After step", kept, kept[-1], key="parameter_step")
        now = parameters.values(run.folder, step, name)
        start = parameters.values(run.folder, kept[0], name)
        figure = figures.histogram(now, name, scheme, None if step == kept[0] else start)
    except (ValueError, OSError) as error:
        parts.failure(error)
        return
    spread = pd.DataFrame({"now": now.ravel(), f"step {kept[0]}": start.ravel()}).describe()
    parts.chart(
        figure,
        key="parameter_histogram",
        name=f"{name} after step {step:,}",
        shape=now.shape,
        how_to_read="how its numbers are spread. Training begins with small random numbers around "
        "0 (biases with 0, norms with 1); what a text needs pulls some of them far away.",
        table=spread.reset_index(names="of the numbers"),
    )


def _induction(run: Run, scheme: Scheme, key: str) -> None:
    found, course = details.induction(run.folder), history.read(run.folder)
    if not len(found.steps):
        st.markdown(
            "This run has not looked for induction heads: it does so at each snapshot, with a "
            "model that reads at least four tokens."
        )
        return
    loss = (course["step"], history.smooth(course["train_loss"], 0.9))
    heads = {
        f"L{i} H{j}": found.scores[:, i, j]
        for i in range(found.scores.shape[1])
        for j in range(found.scores.shape[2])
    }
    losses = {"loss, first time": found.loss_first, "loss, second time": found.loss_second}
    parts.chart(
        induction_figures.birth(found.scores, found.steps, loss, scheme).update_layout(
            uirevision=key
        ),
        key=key,
        name="induction.jsonl",
        shape=found.scores.shape,
        how_to_read="random tokens are said twice. A head's score is the share of its attention, "
        "at a token said again, that goes to the token that came next the first time (prefix "
        "matching score, Olsson et al., 2022, In-context Learning and Induction Heads). 1: it "
        "looks only there. Steps multiply along the axis.",
        table=pd.DataFrame({"step": found.steps, **heads, **losses}),
    )
    gain = found.loss_first[-1] - found.loss_second[-1]
    st.markdown(
        f"At step {found.steps[-1]:,} the model guesses random tokens said again "
        f"**{abs(gain):.2f} nats a token {'better' if gain > 0 else 'worse'}** than those said for "
        f"the first time. A model that looks back gets far better."
    )
