"""Stages of a GPT one after another, and shapes of one budget: trained and measured."""

import re
from collections.abc import Callable, Mapping, Sequence

import streamlit as st

from gptviz.app import choices, code, look, show
from gptviz.app.code import Code
from gptviz.app.glossary import term
from gptviz.app.theme import Scheme
from gptviz.jobs.build_up import SHAPES, STAGES, STEPS
from gptviz.jobs.presets import Preset
from gptviz.runs import Run, compare
from gptviz.runs.curves import baselines
from gptviz.subjects.build_up import analysis, figures, sentences

STAGE_KEYS = ("built",)  # of the address
SHAPE_KEYS = ("shapes_of", "shape_written")
EVERY = 5.0  # seconds between two looks while a run lives
SIZES = {"quarter": "a quarter of the width", "full": "full width"}
MEASURED = "measured_series"  # where a browser remembers which sizes it asked to measure
TITLES = {
    "best_val_loss": "best validation loss, nats a token",
    "best_bits_per_byte": "best in bits a byte",
}
COUNTED = {"unigram": "counting letters", "bigram": "counting pairs of letters"}
KIND = re.compile(r".*, | and .*")  # what is left of a title without these is a short name
SHIPPED = "What you see was trained when gptviz was made, and ships with it."
Offer = Callable[[str, str, str, Sequence[Preset]], None]


def stages(scheme: Scheme, offer: Offer) -> None:
    """One idea after another put into the model; offer draws the button that trains them all."""
    st.markdown(
        f"Eight models, each of which is the one before it with one idea more. All learn from the "
        f"plays, in {STEPS:,} steps of 1,024 tokens, from the same {term('seed')}."
    )
    titles = {preset.name: f"{i} {preset.title}" for i, preset in enumerate(STAGES, 1)}
    chosen = choices.pill("built", "Stage", titles)
    at = [preset.name for preset in STAGES].index(chosen)
    living = analysis.n_living(STAGES)
    st.fragment(_stages, run_every=EVERY if living else None)(living, at, scheme)
    offer("Train all stages", "train_stages", "Build it up", STAGES)


def shapes(scheme: Scheme, offer: Offer) -> None:
    """Four shapes of about as many parameters: counted, measured, trained."""
    size = choices.one_of("shapes_of", "Size", SIZES)
    series = SHAPES[size]
    table = look.look(analysis.sizes, size)
    st.markdown(
        f"Four models of about the same size, deep or wide, with few {term('head', 'heads')} or "
        f"many: which shape learns best? {sentences.of_sizes(table)}"
    )
    show.chart(
        figures.sizes(table, scheme),
        key="shapes",
        name="parameters of each shape",
        shape=(len(table),),
        how_to_read="a block has about 12 × width² parameters, so twice as many blocks of 0.7 "
        "times the width are as many. The heads share the width, so more of them cost nothing.",
        table=table,
        code=Code(analysis.sizes, (f"table = sizes({size!r})",)).drawn(figures.sizes),
    )
    _times(size, scheme)
    titles = {preset.name: preset.title for preset in series}
    chosen = choices.pill("shape_written", "What one of them writes", titles)
    at = list(titles).index(chosen)
    living = analysis.n_living(series)
    st.fragment(_trained, run_every=EVERY if living else None)(living, size, at, scheme)
    if size == "full":
        st.caption(
            "These have about 16 times as many parameters as those of a quarter of the width, and "
            "take about as many times as long to train."
        )
    offer("Train all four", f"train_shapes_{size}", f"Shapes, {SIZES[size]}", series)


def _stages(living: int, at: int, scheme: Scheme) -> None:
    found = _found(STAGES, living)
    preset, run = STAGES[at], found[at]
    bits = _bits(found)
    left, right = st.columns([8, 5], gap="large")
    with left:
        numbers = {preset.name: str(i) for i, preset in enumerate(STAGES, 1)}
        _chart(found, "stages", "the loss of each stage", run, numbers, scheme)
    with right:
        st.markdown(f"**{at + 1} {preset.title}.** {preset.words}")
        if run:
            st.markdown(sentences.of_stage(bits, at))
        _written(run)
    if told := sentences.of_stages([stage.title for stage in STAGES], bits):
        st.markdown(f"**All of them.** {told}")
    _results(found, "stages_results")


def _trained(living: int, size: str, at: int, scheme: Scheme) -> None:
    series = SHAPES[size]
    found = _found(series, living)
    left, right = st.columns([8, 5], gap="large")
    with left:
        kinds = {preset.name: KIND.sub("", preset.title) for preset in series}
        _chart(found, "shape_courses", "the loss of each shape", found[at], kinds, scheme)
    with right:
        st.markdown(f"**{series[at].title}.** {series[at].words}")
        _written(found[at])
    st.markdown(sentences.of_losses([preset.title for preset in series], _bits(found)))
    _results(found, "shape_results")


def _chart(
    found: Sequence[Run | None],
    key: str,
    name: str,
    chosen: Run | None,
    short: Mapping[str, str],
    scheme: Scheme,
) -> None:
    """The curves; short are names for the legend, by preset."""
    runs = [run for run in found if run]
    if not runs:
        st.markdown("The curves come with the first validation of a run.")
        return
    table = analysis.courses(runs)
    names = dict(zip((run.id for run in runs), compare.names(runs), strict=True))
    counted = _counted(runs[0])
    marked = names.get(chosen.id, "") if chosen else ""
    legend = [short[run.preset] for run in runs]
    imports, written = zip(*map(code.found_again, runs), strict=True)
    show.chart(
        figures.courses(table, counted, scheme, marked, legend),
        key=key,
        name=name,
        shape=table.shape,
        how_to_read="further down is better. The thick line is the chosen one. The validation "
        "loss, on text that no run learns from, in bits a byte: how many bits a letter of the text "
        "costs whoever guesses like the model. A loss a token would not compare, for a piece of a "
        "word is harder to guess than a letter and brings more of the text. Dotted: what counting "
        "letters reaches, and what counting which follows which does; who sees one letter can do "
        "no better. All have the same few steps, and a larger model has more to learn in them. One "
        "run each: a difference of some hundredths may be chance.",
        table=table,
        code=Code(
            analysis.courses,
            (
                *dict.fromkeys(line for lines in imports for line in lines),
                *("runs = [", *(f"    {one}," for one in written), "]"),
                "table = courses(runs)",
            ),
        ).drawn(figures.courses, f"table, {counted!r}, chosen={marked!r}, names={legend!r}"),
    )


def _times(size: str, scheme: Scheme) -> None:
    """Milliseconds a forward pass, on a button only: it takes the processor for a while."""
    asked: set[str] = st.session_state.setdefault(MEASURED, set())
    if size not in asked:
        st.button(
            "Measure a forward pass here", key="measure_shapes", on_click=asked.add, args=(size,)
        )
        return
    table = look.look_for_long(analysis.forward_times, size, words="Measuring the four shapes …")
    st.markdown(sentences.of_times(table))
    show.chart(
        figures.times(table, scheme),
        key="shape_times",
        name="milliseconds a forward pass",
        shape=(len(table),),
        how_to_read="the median of some passes on this machine, with whatever else runs on it. "
        "Layers wait for each other, while the numbers of one layer are calculated side by side: "
        "so as many operations tend to take longer in more layers.",
        table=table,
        code=Code(analysis.forward_times, (f"table = forward_times({size!r})",)).drawn(
            figures.times
        ),
    )


def _written(run: Run | None) -> None:
    sample = analysis.sample(run) if run else None
    if sample is None:
        st.caption("It has not written anything yet.")
        return
    step, text = sample
    st.caption(f"What it wrote at step {step:,}:")
    st.code(text, language=None, wrap_lines=True)


def _results(found: Sequence[Run | None], key: str) -> None:
    runs = [run for run in found if run]
    if runs:
        show.table(show.titled(analysis.results(runs), TITLES), key)


def _found(series: Sequence[Preset], living: int) -> list[Run | None]:
    """The runs of a series, after a line that says where they come from.

    living is how many lived when the page was drawn: once none does, it is drawn anew.
    """
    now, found = analysis.n_living(series), analysis.latest(series)
    if living and not now:
        st.rerun()
    own = sum(run is not None and not run.is_shipped for run in found)
    verb = "trains or waits for its turn" if now == 1 else "train or wait for their turn"
    told = [f"{now} of {len(series)} runs {verb}."] if now else []
    if own:
        told.append(
            f"{own} of the runs below {'was' if own == 1 else 'were'} trained on this machine."
        )
    elif any(found):
        told.append(SHIPPED)
    if told:
        st.caption(" ".join(told))
    return found


def _bits(found: Sequence[Run | None]) -> list[float]:
    """The best validation loss of each in bits a byte, NaN where there is none."""
    runs = [run for run in found if run]
    told = iter(analysis.results(runs)["best_bits_per_byte"] if runs else ())
    return [float(next(told)) if run else float("nan") for run in found]


def _counted(run: Run) -> dict[str, float]:
    """What counting reaches on the text of a run that reads letters, in bits a byte, by name."""
    if run.config.tokenizer != "char":
        return {}
    told = baselines(run.status)
    return {name: compare.bits(run, told[key]) for key, name in COUNTED.items() if key in told}
