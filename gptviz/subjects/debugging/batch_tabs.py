"""One batch, learnt by heart while one looks on, with a mistake built in or none."""

from collections.abc import Callable, Mapping

import pandas as pd
import streamlit as st

from gptviz.app import allowance, choices, look, show, typed
from gptviz.app.code import Code, of_prompt
from gptviz.app.frame import View
from gptviz.app.glossary import term
from gptviz.subjects.debugging import batch_analysis, sentences
from gptviz.subjects.debugging.batch_analysis import MOST_STEPS, Case, Course

Curves = Callable[[pd.DataFrame, Mapping[str, float], str, str], None]
KEYS = ("batch_of", "fault", "batch_seed")  # of the address
EVERY = 0.25  # seconds between two looks
HELD, GOES = "batch_course", "batch_goes"  # where a browser remembers how far it is
WAITS = "Press the button: the same batch is read again and again until it is known by heart."
SOURCES = {"prompt": "your text", "plays": "8 windows of the plays"}


def batch(view: View, curves: Curves) -> None:
    """Choose a batch and a mistake, press the button, and watch the loss.

    curves draws a table of steps and levels to compare with, by a key, with what stands there
    before the first step.
    """
    titles = {name: fault.title for name, fault in batch_analysis.FAULTS.items()}
    fault = choices.pill("fault", "What is wrong on purpose", titles)
    places = st.columns([4, 1])
    with places[0]:
        source = choices.one_of("batch_of", "The batch", SOURCES)
    with places[1]:
        seed = typed.seed("batch_seed")
    if source == "prompt":
        rows = batch_analysis.of_prompt(view.ids)
    else:
        rows = batch_analysis.of_plays(seed)
    case = Case(rows, fault, seed)
    held = _held(case)
    goes = st.session_state.get(GOES) == case and not held.is_over
    with st.container(horizontal=True, vertical_alignment="center"):
        if goes:
            st.button("Stop", key="batch_stop", on_click=_stop)
        else:
            words = "Train on this batch" if not held.step else "Train again"
            if held.step and not held.is_over:
                words = "Go on"
            st.button(words, key="batch_start", type="primary", on_click=_start, args=(case,))
        st.markdown(_about(case), width="content")
    code = _code(view, source, case)
    st.fragment(_draw, run_every=EVERY if goes else None)(case, code, goes, curves)


def _draw(case: Case, code: Code, goes: bool, curves: Curves) -> None:
    """Some steps more, if it goes on, and the curve up to here."""
    held = _held(case)
    if goes and not held.is_over:
        try:
            with allowance.charged():
                held = look.look(batch_analysis.further, held)
        except ValueError as error:  # a visitor of a class has used what there is for each
            show.failure(error)
            return
        st.session_state[HELD] = held
    if goes and held.is_over:
        st.rerun()
    if held.step:
        st.markdown(sentences.of_course(held))
    table = batch_analysis.table(held)
    levels = {
        "blind guess": sentences.blind(case.rows),
        "counting": batch_analysis.counting(case.rows),
    }
    levels["least possible"] = held.least
    lines = (*code.lines[:-1], code.lines[-1].replace("STEPS", str(held.step)))
    curves(table, levels, "batch", WAITS)
    show.source(
        "loss of the batch",
        (len(table),),
        "if all is well, the line falls to the least that is possible, within a few dozen steps. "
        "Training on one batch is the first test of any network that does not learn: it takes "
        "seconds, and if it fails, more text and more patience will not help. The tiny GPT is new, "
        f"has {case_shape(held)}, and knows only the tokens of the batch; it is corrected by "
        f"{term('AdamW')} at a rate of {batch_analysis.RATE:g}. Dotted: what a blind guess costs, "
        "ln of how many tokens there are; what counting them reaches, whatever stands before; and "
        "the least possible, which is above 0 only where two windows begin alike and go on "
        f"differently. It ends {batch_analysis.LEARNT:g} above that, or after {MOST_STEPS} steps.",
    )
    show.numbers(table, "batch", Code(code.function, lines))


def case_shape(course: Course) -> str:
    """Layers and width of the model."""
    assert course.model is not None
    config = course.model.config
    return f"{config.n_layer} layers of width {config.n_embd}"


def _about(case: Case) -> str:
    rows, length = len(case.rows), len(case.rows[0]) - 1
    texts = "1 text" if rows == 1 else f"{rows} texts"
    n = batch_analysis.n_tokens(case.rows)
    return f"{texts} of {length} tokens to guess, {n} different ones."


def _code(view: View, source: str, case: Case) -> Code:
    """Lines in which STEPS stands for how many steps were done."""
    function, rest = batch_analysis.overfit, f"{case.fault!r}, {case.seed}, STEPS)"
    module = "from gptviz.subjects.debugging.batch_analysis import"
    if source == "plays":
        return Code(
            function,
            (f"{module} of_plays", f"table = overfit(of_plays({case.seed}), {rest}"),
        )
    lines = (f"{module} of_prompt", f"table = overfit(of_prompt(trace.ids), {rest}")
    return of_prompt(view.lm, view.written, function, *lines)


def _held(case: Case) -> Course:
    """How far this browser has come with a case."""
    held = st.session_state.get(HELD)
    if not isinstance(held, Course) or held.case != case:
        held = look.look(batch_analysis.begin, case)
    return held


def _start(case: Case) -> None:
    held = _held(case)
    st.session_state[HELD] = look.look(batch_analysis.begin, case) if held.is_over else held
    st.session_state[GOES] = case


def _stop() -> None:
    st.session_state.pop(GOES, None)
