"""An exercise on the screen: its numbers, the steps that were found, and the next one to find."""

import math
from collections.abc import Hashable, Mapping
from functools import partial

import numpy as np
import streamlit as st

from gptviz.app import address, dice, show
from gptviz.app.clicks import clicked
from gptviz.app.code import Code
from gptviz.app.frame import View
from gptviz.app.pages import PAGES
from gptviz.subjects.by_hand import analysis, vector_analysis
from gptviz.subjects.by_hand.steps_analysis import (
    Exercise,
    Step,
    table_of,
    typed_number,
    verdict,
    written,
)
from gptviz.subjects.by_hand.words import INTRODUCTIONS, NO_NUMBER, SAID, STEPS

FOUND = "by_hand_found"  # how many steps of each exercise this browser has found
SAYS = "by_hand_says"  # what is to be said of the last answer, and to which step it belongs
TYPED = "by_hand_typed"
EXERCISES = 1_000_000  # that the address tells apart
AT_ZERO = 1.0  # the temperature of the exercise where 0 is chosen, which leaves nothing to do
FROM = "from gptviz.subjects.by_hand.steps_analysis import table_of"


def seed() -> int:
    """Which exercise is drawn, as the address says it."""
    return clicked("exercise", EXERCISES, 0)


def attention(view: View, layer: int, head: int, position: int) -> None:
    """One weight of a head."""
    config = view.lm.config
    config.require_attention()
    if config.attn_divisor(layer) != math.sqrt(config.n_embd // config.n_head):
        raise ValueError(
            "this model divides by another number than √d, and the exercise does not; its own "
            "numbers stand on the page Attention, under Arithmetic"
        )
    numbers = (layer, head, position, seed())
    made = analysis.attention_cell(view.trace, *numbers)
    code = view.code(
        analysis.attention_cell, FROM, f"table = table_of(attention_cell(trace, {_list(numbers)}))"
    )
    _draw(view, made, code, "attention", {"tab": "arithmetic"})


def layer_norm(view: View, layer: int, position: int) -> None:
    """One entry of the norm before a block's attention."""
    view.lm.config.require_attention()
    numbers = (layer, position, seed())
    made = vector_analysis.layer_norm(view.lm, view.trace, *numbers)
    code = view.code(
        vector_analysis.layer_norm,
        FROM,
        f"table = table_of(layer_norm(lm, trace, {_list(numbers)}))",
    )
    _draw(view, made, code, "layer_norms", {"tab": "by-hand", "norm": f"h.{layer}.ln_1"})


def activation(view: View, layer: int, position: int) -> None:
    """What one hidden unit lets through."""
    view.lm.config.require_mlp()
    numbers = (layer, position, seed())
    made = vector_analysis.activation(view.lm, view.trace, *numbers)
    code = view.code(
        vector_analysis.activation,
        FROM,
        f"table = table_of(activation(lm, trace, {_list(numbers)}))",
    )
    _draw(view, made, code, "mlp", {})


def softmax(view: View, position: int) -> None:
    """The probability of one candidate at the temperature of the page Sampling."""
    temperature = dice.settings().temperature
    if temperature == 0:
        temperature = AT_ZERO
        st.info(
            "At temperature 0, as you chose it, the likeliest token is always taken, and there is "
            "nothing to calculate. This is temperature 1."
        )
    numbers = (temperature, position, seed())
    made = analysis.softmax(view.trace, *numbers)
    code = view.code(analysis.softmax, FROM, f"table = table_of(softmax(trace, {_list(numbers)}))")
    _draw(view, made, code, "sampling", {})


def cross_entropy(view: View, position: int) -> None:
    """The loss of one token and of the text."""
    if len(view.ids) == 1:
        st.info("A single token has no loss: nothing stands before it. Type a longer text.")
        return
    position = max(1, position)
    made = analysis.cross_entropy(view.trace, position)
    code = view.code(
        analysis.cross_entropy, FROM, f"table = table_of(cross_entropy(trace, {position}))"
    )
    _draw(view, made, code, "residual", {"tab": "surprise", "position": str(position)})


def _draw(view: View, made: Exercise, code: Code, page: str, query: Mapping[str, str]) -> None:
    about = {name: show.literal(text) for name, text in made.about.items()}
    st.markdown(INTRODUCTIONS[made.name].format(**about))
    if made.given is not None:
        st.table(made.given.set_index(made.given.columns[0]))
    key = (made.name, made.tensor, *(step.shown for step in made.steps))
    n_found = min(st.session_state.get(FOUND, {}).get(key, 0), len(made.steps))
    lines = [f"{i}. {_filled(made, step)}" for i, step in enumerate(made.steps[:n_found], start=1)]
    if n_found < len(made.steps):
        question = STEPS[made.name, made.steps[n_found].name].question
        lines.append(f"{n_found + 1}. {question.format(**_literal(made.steps[n_found]))}")
    st.markdown("\n".join(lines))
    if n_found < len(made.steps):
        _ask(made.steps[n_found], n_found, len(made.steps), key)
    else:
        own = written(made.steps[-1].own, made.steps[-1].decimals)
        st.success(f"Done. The model, which rounds nothing on the way, has {own}.")
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(
            "Another one", on_click=partial(_another, len(view.ids)), icon=":material/casino:"
        )
        state = st.session_state
        carried = {key: str(state[key]) for key in address.CARRIED if state.get(key) is not None}
        st.page_link(
            PAGES[page].file,
            label=f"See it in full on the page {PAGES[page].title}",
            query_params={**carried, **query},
            width="content",
        )
    show.fine_print(
        "Three digits are enough, as 0.312 or 12.3. A decimal comma is fine.",
        f"`{made.tensor}` — the numbers that you see are rounded once, and so are those of each "
        "step for the next. Right is what lies within one per cent of what comes out of them.",
    )
    show.numbers(table_of(made), f"by_hand_{made.name}", code)


def _ask(step: Step, i: int, n: int, key: Hashable) -> None:
    # In a form, what was typed comes with the press of a button, and so is checked once.
    with (
        st.form("answer", border=False),
        st.container(horizontal=True, vertical_alignment="bottom"),
    ):
        st.text_input(f"Your result of step {i + 1} of {n}", key=TYPED, width=240)
        st.form_submit_button("Check", type="primary", on_click=_check, args=(step, i, key))
        st.form_submit_button("Show me", on_click=_found, args=(key, i))
    said = st.session_state.get(SAYS)
    if said and said[0] == (key, i):
        st.warning(said[1])


def _check(step: Step, i: int, key: Hashable) -> None:
    """Say of an answer what is wrong with it, or go on to the next step."""
    number = typed_number(st.session_state[TYPED])
    if number is None:
        st.session_state[SAYS] = (key, i), NO_NUMBER
        return
    found = verdict(step, number)
    if found == "right":
        _found(key, i)
    else:
        st.session_state[SAYS] = (key, i), SAID[found]


def _found(key: Hashable, i: int) -> None:
    st.session_state[FOUND] = {**st.session_state.get(FOUND, {}), key: i + 1}
    st.session_state[TYPED] = ""


def _another(n_tokens: int) -> None:
    """Draw the next exercise, for another token than now; the first has little to calculate."""
    number = (st.session_state.get("exercise", 0) + 1) % EXERCISES
    st.session_state["exercise"] = number
    others = [i for i in range(1, n_tokens) if i != st.session_state["position"]]
    if others:
        st.session_state["position"] = int(np.random.default_rng(number).choice(others))
    st.session_state[TYPED] = ""


def _filled(made: Exercise, step: Step) -> str:
    return STEPS[made.name, step.name].found.format(**_literal(step), answer=step.shown)


def _literal(step: Step) -> dict[str, str]:
    return {name: show.literal(text) for name, text in step.given.items()}


def _list(numbers: tuple[float, ...]) -> str:
    return ", ".join(map(repr, numbers))
