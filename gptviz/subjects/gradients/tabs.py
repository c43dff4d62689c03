"""What goes on inside a run: gradients and weights by layer, one parameter's numbers."""

import streamlit as st

from gptviz import jobs
from gptviz.app import choices, code, show
from gptviz.app.glossary import term
from gptviz.app.live import look_again
from gptviz.app.theme import Scheme
from gptviz.runs import Run
from gptviz.subjects.gradients import analysis, figures

KEYS = ("norm_of", "parameter", "parameter_step")  # of the address
EVERY = 5.0  # seconds between two looks at a run that lives
NORMS = {"gradients": "gradients", "weights": "weights", "updates": "updates"}
MEASURES = {"gradients": "grad_norm", "weights": "weight_norm", "updates": "update_ratio"}
NAMES = {
    "grad_norm": "gradient norm",
    "weight_norm": "weight norm",
    "update_ratio": "update ÷ weight",
}
WORDS = {
    "grad_norm": "how strongly the loss of a step pulls at the numbers of a part: the length of "
    f"their {term('gradient')}, before it is clipped",
    "weight_norm": "how large the numbers of a part are: their length as one vector",
    "update_ratio": "how far a step moves the numbers of a part, beside how large they are. Runs "
    "that learn well are often near 0.001 (Karpathy, 2022); a part far below it hardly learns",
}


def gradients(run: Run, scheme: Scheme) -> None:
    """Norms of gradients, weights and updates by part, and the numbers of one parameter."""
    measure = MEASURES[choices.one_of("norm_of", "What is measured", NORMS)]
    every = look_again(jobs.state(run), EVERY)
    st.fragment(_norms, run_every=every)(run, measure, scheme)
    _histogram(run, scheme)


def _norms(run: Run, measure: str, scheme: Scheme) -> None:
    table, what = analysis.norms(run, measure), NAMES[measure]
    if table.empty:
        st.markdown(
            "This run has not measured its layers yet."
            if run.settings.get("detail_interval", 10)
            else "This run does not measure its layers."
        )
        return
    steps, groups = table["step"].to_numpy(), table.columns[1:].tolist()
    values = table[groups].to_numpy()
    written = code.of_run(run, analysis.norms, f"table = norms(run, {measure!r})")
    numbers = 'table[groups].to_numpy(), table["step"].to_numpy(), groups'
    names = "groups = table.columns[1:].tolist()"
    usual = figures.USUAL_UPDATE if measure == "update_ratio" else None
    show.chart(
        figures.by_group(values, steps, groups, what, scheme, usual).update_layout(
            uirevision=measure
        ),
        key="norms",
        name=what,
        shape=values.shape,
        how_to_read=f"{WORDS[measure]}. One line for each part of each layer; later layers are "
        "paler, and the axis multiplies.",
        table=table,
        code=written.drawn(figures.by_group, f"{numbers}, {what!r}, usual={usual!r}", names),
    )
    if st.toggle("As a map", key="norms_map"):
        show.chart(
            figures.norm_map(values, steps, groups, what, scheme).update_layout(uirevision=measure),
            key="norms_mapped",
            name=what,
            shape=values.shape,
            how_to_read="the same numbers: one row for each part, from the embedding below to the "
            "last norm, one column for each measured step.",
            table=table,
            code=written.drawn(figures.norm_map, f"{numbers}, {what!r}", names),
        )


def _histogram(run: Run, scheme: Scheme) -> None:
    kept = run.snapshots
    if not kept:
        st.caption("The numbers of single parameters can be seen after the first snapshot.")
        return
    left, right = st.columns(2, gap="large")
    try:
        names = analysis.parameter_names(run.folder, kept[-1])
        with left:
            name = choices.one_of_many("parameter", "Parameter", {name: name for name in names})
        with right:
            steps = {str(step): str(step) for step in kept}
            last = str(kept[-1])
            step = int(choices.one_in_order("parameter_step", "After step", steps, last))
        now = analysis.values(run.folder, step, name)
        start = analysis.values(run.folder, kept[0], name)
        figure = figures.histogram(now, name, scheme, None if step == kept[0] else start)
    except (ValueError, OSError) as error:
        show.failure(error)
        return
    show.chart(
        figure,
        key="parameter_histogram",
        name=f"{name} after step {step:,}",
        shape=now.shape,
        how_to_read="how its numbers are spread. Training begins with small random numbers around "
        "0 (biases with 0, norms with 1); what a text needs pulls some of them far away.",
        table=analysis.spread(now, start, kept[0]),
        code=code.of_run(
            run,
            analysis.spread,
            "from gptviz.subjects.gradients.analysis import values",
            f"now, start = (values(run.folder, step, {name!r}) for step in ({step}, {kept[0]}))",
            f"table = spread(now, start, {kept[0]})",
        ).drawn(figures.histogram, f"now, {name!r}, start={None if step == kept[0] else 'start'}"),
    )
