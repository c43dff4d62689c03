"""Choices that a click on a picture makes: they have no control, and live in the address as well.

The picture writes the number into the state; the page asks here for it.
"""

import re
from typing import overload

import streamlit as st


@overload
def clicked(key: str, count: int) -> int | None: ...
@overload
def clicked(key: str, count: int, default: int) -> int: ...
def clicked(key: str, count: int, default: int | None = None) -> int | None:
    """A number from 0 to count − 1; the default unless chosen, and then it is not in the address.

    One in the address that means nothing is dropped. One from before, when there was more to
    choose from, is brought into range.
    """
    there, state = st.query_params.get(key), st.session_state
    if key not in state:
        # int() refuses thousands of digits, and takes more signs than the ten that are meant.
        number = re.fullmatch(r"\d{1,9}", there or "", re.ASCII)
        state[key] = int(number[0]) if number and int(number[0]) < count else None
    chosen: int | None = state[key]
    chosen = default if chosen is None else max(0, min(chosen, count - 1))
    if chosen is None:
        del state[key]  # a control of another page would take None for a choice
    else:
        state[key] = chosen
    wanted = None if chosen == default else str(chosen)
    if wanted is None and there is not None:
        del st.query_params[key]
    elif wanted is not None and there != wanted:
        st.query_params[key] = wanted
    return chosen
