"""How to draw, as the URL says it: temperature, top_k, top_p, repetition_penalty and seed."""

import re
from collections.abc import Mapping
from types import MappingProxyType

import streamlit as st

from gptviz.analysis.sampling import PRESETS
from gptviz.sampling import SamplingSettings

# What the sliders reach; all but top_k in steps of 0.01.
RANGES: Mapping[str, tuple[float, float]] = MappingProxyType(
    {
        "temperature": (0, 2),
        "top_k": (0, 1_000_000),  # 0 is off
        "top_p": (0.01, 1),
        "repetition_penalty": (1, 2),
    }
)
LARGEST_SEED = 2**31 - 1


def settings() -> SamplingSettings:
    """The settings in the URL; the sliders that set them are a part of the page's picture.

    A value that is no number, or beyond its slider, is dropped from the URL; one between two
    places of the slider is rounded there, too.
    """
    chosen = {}
    for name, (low, high) in RANGES.items():
        text = st.query_params.get(name, "")
        number = _number(text)
        if number is None or not low <= number <= high or (name == "top_k" and number % 1):
            st.query_params.pop(name, None)
            st.session_state.pop(name, None)
        else:
            chosen[name] = number
            if number != float(text):
                st.query_params[name] = text = f"{number:g}"
            st.session_state[name] = text  # comes along to other pages and back, as all choices
    top_k = int(chosen.pop("top_k", 0)) or None
    return SamplingSettings(top_k=top_k, **chosen)


def choose(chosen: Mapping[str, object]) -> None:
    """Write settings into the URL, as they come from the browser; `settings` checks them."""
    st.query_params.update({name: str(chosen.get(name)) for name in RANGES})


def other_settings() -> SamplingSettings:
    """A second row of settings, to hold against the first; `creative` unless chosen."""
    creative = PRESETS["creative"]
    chosen = {}
    for column, name in zip(st.columns(len(RANGES)), RANGES, strict=True):
        low, high = RANGES[name]
        whole = name == "top_k"
        _drop_what_is_no_number(f"b_{name}")
        chosen[name] = column.number_input(
            f"{name.replace('_', ' ')} of B",
            min_value=int(low) if whole else float(low),
            max_value=int(high) if whole else float(high),
            value=getattr(creative, name),
            step=1 if whole else 0.05,
            key=f"b_{name}",
            bind="query-params",
        )
    return SamplingSettings(**{**chosen, "top_k": chosen["top_k"] or None})


def seed() -> int:
    """Which dice: the same seed draws the same tokens."""
    _drop_what_is_no_number("seed")
    return int(
        st.number_input(
            "Seed of the dice",
            min_value=0,
            max_value=LARGEST_SEED,
            value=0,
            key="seed",
            width=220,
            bind="query-params",
            help="The dice are thrown by a calculation that starts from this number. The same "
            "number gives the same throws, so you can repeat what you saw.",
        )
    )


def _drop_what_is_no_number(key: str) -> None:
    # Streamlit drops it, too, but ends in a traceback where a whole number is to be infinite.
    if key not in st.session_state and _number(st.query_params.get(key, "0")) is None:
        st.query_params.pop(key)
        st.rerun()


def _number(text: str) -> float | None:
    plain = re.fullmatch(r"\d{1,10}(\.\d{1,9})?", text, re.ASCII)
    return round(float(text), 2) if plain else None
