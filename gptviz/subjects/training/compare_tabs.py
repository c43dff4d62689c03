"""Many runs at once: compare them, and queue experiments that differ in one setting."""

from collections.abc import Sequence
from dataclasses import replace
from typing import get_args

import streamlit as st

from gptviz import jobs
from gptviz.app import choices, code, show, visitors
from gptviz.app.code import Code
from gptviz.app.theme import Scheme
from gptviz.jobs import experiments, shipping
from gptviz.jobs.experiments import Experiment
from gptviz.runs import LIVING, Run
from gptviz.runs import compare as comparing
from gptviz.runs.compare import TITLES, Axis
from gptviz.runs.curves import SMOOTHING
from gptviz.subjects.training import analysis, figures, rights, runs, sizes
from gptviz.subjects.training.setup import Draft

KEYS = ("compared_by",)  # of the address
EXPERIMENT_KEYS = ("vary",)
EVERY = 5.0  # seconds between two looks while one of the runs lives
AXES = {"step": "steps", "tokens": "tokens read", "seconds": "time"}
HOW_TO_READ = (
    f"With points: validation loss. Pale: training loss, smoothed by {SMOOTHING}: each "
    f"value weighs {SMOOTHING} times what the one after it weighs. Losses compare only "
    "between runs with the same text and tokenizer; bits a byte, in the table, compare between "
    "tokenizers too. Dotted, where all runs read the same text: losses of guesses that only count."
)
KINDS = {"variants": "Rate and regularisation", "schedules": "The schedule of the rate"}
VARIANTS = {"variants": experiments.variants, "schedules": experiments.schedules}
EXPERIMENT = "{name} experiment"
SHIPPED = "{name}, ships with gptviz"
assert set(AXES) == set(get_args(Axis))


def compare(run: Run | None, scheme: Scheme) -> None:
    """Any runs over one axis, those of the failure gallery too, and a table of what differs."""
    found: dict[str, Run] = {}
    for one in (*jobs.list_runs(), *shipping.gallery()):
        found.setdefault(one.id, one)
    if not found:
        st.markdown("There is no run to compare yet.")
        return
    first = [run.id] if run else []
    newest = [one for one in found if one not in first]
    kept = [one for one in st.session_state.get("compared", []) if one in found]
    st.session_state["compared"] = kept or [*first, *newest][:2]
    left, right = st.columns([3, 1], vertical_alignment="bottom", gap="large")
    chosen = left.multiselect(
        "Runs", list(found), key="compared", format_func=lambda run_id: _label(found[run_id])
    )
    with right:
        axis: Axis = choices.one_of_many("compared_by", "By", AXES)  # type: ignore[assignment]
    if chosen:
        draw_beside([found[run_id] for run_id in chosen], axis, scheme, key="comparison")


def experiment(draft: Draft | None, scheme: Scheme) -> None:
    """Queue variants of the settings in the form as one experiment; the ranking of an earlier."""
    st.markdown(
        "An experiment trains the same model several times, each time with something changed. "
        "The runs wait for each other; what the form above says is the baseline."
    )
    with st.container():  # what draws itself anew below keeps its place
        if refusal := rights.why_not_many(experiments.FEWEST):
            show.note(refusal)
        elif draft:
            _new_experiment(draft)
        else:
            st.markdown("The form above has to be complete first.")
    found = {one.id: one for one in experiments.list_experiments(jobs.list_runs())}
    if not found:
        return
    st.session_state["experiment"] = _kept("experiment", list(found))
    chosen = st.selectbox(
        "Experiment", list(found), key="experiment", format_func=lambda one: found[one].name
    )
    _ranked(found[chosen], scheme)
    draw_beside(list(found[chosen].runs.values()), "step", scheme, key="experiment_curves")


def _label(run: Run) -> str:
    return SHIPPED.format(name=run.name) if run.is_shipped else run.name


def draw_beside(runs: list[Run], axis: Axis, scheme: Scheme, key: str) -> None:
    """The curves of some runs in one chart, and a table of what differs and what came of it."""
    st.fragment(_beside, run_every=look_again_at(runs))(runs, axis, scheme, key)


def look_again_at(runs: Sequence[Run]) -> float | None:
    """Seconds until a part that shows these runs draws itself anew; None if nothing will change."""
    return EVERY if any(jobs.state(run) in LIVING for run in runs) else None


def _beside(runs: list[Run], axis: Axis, scheme: Scheme, key: str) -> None:
    runs = [run for run in runs if run.folder.is_dir() and _is_readable(run)]
    if not runs:
        return
    curves = comparing.curves(runs, axis)
    if not any(len(curve.x) for curve in curves):
        st.markdown("There will be curves here after the first step.")
        return
    show.chart(
        figures.comparison(curves, axis, scheme, comparing.shared_baselines(runs)).update_layout(
            uirevision=axis
        ),
        key=key,
        name="loss of each run",
        shape=(len(curves),),
        how_to_read=HOW_TO_READ,
        table=show.titled(analysis.losses(curves, axis), TITLES),
        code=_losses_code(runs, axis).drawn(
            figures.comparison,
            f"curves(runs, {axis!r}), {axis!r}, baselines=shared_baselines(runs)",
            "from gptviz.runs.compare import shared_baselines",
        ),
    )
    show.table(show.titled(comparing.table(runs), TITLES), f"{key}_settings")
    if comparing.shared_baselines(runs):  # they read the same text, in the same tokens
        sizes.draw(runs, scheme, key)


def _is_readable(run: Run) -> bool:
    """Whether a run's settings can be read; if not, a sentence names it."""
    try:
        _ = run.config
    except ValueError as error:
        show.problem(f"{run.name} is left out: {error}.")
        return False
    return True


def _losses_code(runs: Sequence[Run], axis: Axis) -> Code:
    imports, written = zip(*map(code.found_again, runs), strict=True)
    return Code(
        analysis.losses,
        (
            "from gptviz.runs.compare import curves",
            *dict.fromkeys(line for lines in imports for line in lines),
            *("runs = [", *(f"    {run}," for run in written), "]"),
            f"table = losses(curves(runs, {axis!r}), {axis!r})",
        ),
    )


def _new_experiment(draft: Draft) -> None:
    kind = choices.one_of("vary", "What differs", KINDS)
    variants = VARIANTS[kind](draft.config)
    left, right = st.columns([4, 1], vertical_alignment="bottom")
    wanted = left.multiselect(
        "What to try",
        list(variants),
        list(variants),
        key=kind,
        format_func=lambda variant: experiments.TITLES[variant],
    )
    if right.button("Queue them", key="queue", width="stretch", disabled=len(wanted) < 2):
        try:
            rights.require_many(experiments.FEWEST)
            path = draft.text.stored()
            settings = {name: replace(variants[name], data=path) for name in wanted}
            name = EXPERIMENT.format(name=draft.name)
            made = experiments.start(name, settings, owner=visitors.here().id)
        except (ValueError, OSError) as error:
            show.failure(error)
            return
        st.session_state["experiment"] = made.id
        st.session_state["run_next"] = next(iter(made.runs.values())).id
        st.rerun()


def _ranked(found: Experiment, scheme: Scheme) -> None:
    st.fragment(_ranking, run_every=look_again_at(list(found.runs.values())))(found, scheme)


def _ranking(found: Experiment, scheme: Scheme) -> None:
    table = experiments.ranking(found)
    if table["best_val_loss"].notna().any():
        show.chart(
            figures.ranking(table, scheme),
            key="ranking",
            name="best validation loss",
            shape=(len(table),),
            how_to_read="the lowest validation loss that each variant has reached. A difference of "
            "some hundredths may be chance: another seed would move the losses, too.",
            table=show.titled(table, TITLES),
            code=_ranking_code(found).drawn(figures.ranking),
        )
    told = table.replace({"variant": experiments.TITLES, "state": runs.STATES})
    st.dataframe(told, hide_index=True, key="ranked", column_config=TITLES)


def _ranking_code(found: Experiment) -> Code:
    return Code(
        experiments.ranking,
        (
            "from gptviz.jobs.experiments import list_experiments",
            "from gptviz.jobs import list_runs",
            "experiments = {found.id: found for found in list_experiments(list_runs())}",
            f"table = ranking(experiments[{found.id!r}])",
        ),
    )


def _kept(key: str, options: list[str]) -> str:
    """What was chosen before, if it is still there, else the first."""
    before = st.session_state.get(key)
    return before if before in options else options[0]
