"""How to draw, as the URL says it: the settings of `gptviz.sampling`, and a seed."""

import re
from collections.abc import Mapping
from dataclasses import asdict, replace
from types import MappingProxyType
from typing import Any

import streamlit as st

from gptviz.sampling import SamplingSettings

# Where the address says nothing. The word that comes next is a surprise, and makes sense.
DEFAULT = SamplingSettings(temperature=0.8, top_k=40)
WHOLE = ("top_k", "no_repeat_ngram_size")  # these are counts
# What the sliders reach; all but counts in steps of 0.01.
RANGES: Mapping[str, tuple[float, float]] = MappingProxyType(
    {
        "temperature": (0, 2),
        "top_k": (0, 1_000_000),  # 0 is off
        "top_p": (0.01, 1),
        "repetition_penalty": (1, 2),
        "min_p": (0, 1),
        "typical_p": (0.01, 1),
        "no_repeat_ngram_size": (0, 10),
    }
)
LARGEST_SEED = 2**31 - 1


def settings() -> SamplingSettings:
    """What was chosen, here or by the address; `DEFAULT` says what both leave out.

    Of an address, a value that is not a number, or beyond its slider, is dropped; one between two
    places of the slider is rounded.
    """
    state = st.session_state
    if "dice" not in state:
        choose(st.query_params)
    chosen: SamplingSettings = state["dice"]
    usual = plain(DEFAULT)
    for name, number in plain(chosen).items():
        # They come along to other pages and back, as all choices; and the address stays short.
        if number == usual[name]:
            state.pop(name, None)
            st.query_params.pop(name, None)
        else:
            state[name] = f"{number:.10g}"
            if st.query_params.get(name) != state[name]:
                st.query_params[name] = state[name]
    return chosen


def plain(chosen: SamplingSettings) -> Mapping[str, float]:
    """Settings as the URL and the browser write them: top_k 0 is off."""
    return {**asdict(chosen), "top_k": chosen.top_k or 0}


def choose(chosen: Mapping[str, object]) -> None:
    """Take settings, as they come from the browser; what is none is as in `DEFAULT`."""
    usable = {name: _usable(name, chosen.get(name)) for name in RANGES}
    found: dict[str, Any] = {name: n for name, n in usable.items() if n is not None}
    found |= {name: int(found[name]) for name in WHOLE if name in found}
    if "top_k" in found:
        found["top_k"] = found["top_k"] or None
    st.session_state["dice"] = replace(DEFAULT, **found)


def seed() -> int:
    """Which dice: the same seed throws the same, and so writes the same text."""
    drop_unless_a_number("seed")
    return int(
        st.number_input(
            "Seed of the dice",
            min_value=0,
            max_value=LARGEST_SEED,
            value=0,
            key="seed",
            width=220,
            bind="query-params",
            help="Same seed, same text: the dice are thrown by a calculation that starts from this "
            "number, so you can repeat what you saw.",
        )
    )


def choose_seed(chosen: object) -> None:
    """Take other dice, as the browser asks for them."""
    if isinstance(chosen, int) and 0 <= chosen <= LARGEST_SEED:
        st.session_state["seed"] = chosen


def drop_unless_a_number(key: str) -> None:
    """Take a value out of the address that the control of this key could not read."""
    # Streamlit drops it, too, but ends in a traceback where a whole number is to be infinite.
    if key not in st.session_state and _number(st.query_params.get(key, "0")) is None:
        st.query_params.pop(key)
        st.rerun()


def _usable(name: str, value: object) -> float | None:
    low, high = RANGES[name]
    number = _number(str(value))
    whole = name not in WHOLE or (number is not None and number % 1 == 0)
    return number if number is not None and low <= number <= high and whole else None


def _number(text: str) -> float | None:
    plain = re.fullmatch(r"\d{1,10}(\.\d{1,9})?", text, re.ASCII)
    return round(float(text), 2) if plain else None
