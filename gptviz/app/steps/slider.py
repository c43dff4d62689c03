"""A slider over the steps that a training run kept, below its loss, with a button that plays.

Play runs in the browser: it goes to the next step when the page has finished the one before, and
stops at the end, at a click, or when the slider is taken hold of.
"""

from collections.abc import Sequence

import numpy as np
import streamlit as st

from gptviz.app import component
from gptviz.app.theme import PALETTES, Scheme

COMPONENT = component.register(__file__, '<div class="steps"></div>')


def step_slider(
    steps: Sequence[int], chosen: int, loss: tuple[np.ndarray, np.ndarray], scheme: Scheme
) -> None:
    """Draw the slider; a step that is chosen on it goes into the session state as "step".

    steps rise, and each has the same room. loss holds steps and the loss there, in nats a token.
    Raises ValueError if the chosen step is none of the steps.
    """
    if chosen not in steps:
        raise ValueError(f"step {chosen} came; choose one of {', '.join(map(str, steps))}")

    def choose() -> None:
        st.session_state["step"] = int(st.session_state["step_slider"]["step"])

    at, values = loss
    COMPONENT(
        key="step_slider",
        data={
            "steps": list(steps),
            "chosen": chosen,
            "loss": {"x": at.astype(int).tolist(), "y": values.astype(float).tolist()},
            "colour": PALETTES[scheme].sequential[3],
        },
        on_step_change=choose,
    )
