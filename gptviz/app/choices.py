"""The choices that live in the address: a control for each kind of them."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import streamlit as st
from streamlit.errors import StreamlitAPIException

from gptviz.app import show
from gptviz.language_model import LanguageModel


def layer(lm: LanguageModel) -> int:
    """Which block, counted from 0."""
    return index("layer", "Layer", lm.config.n_layer)


def head(lm: LanguageModel) -> int:
    """Which attention head of the block, counted from 0."""
    return index("head", "Head", lm.config.n_head)


def index(key: str, label: str, count: int, default: int = 0) -> int:
    """A number from 0 to count − 1, or 0.

    A value from before, when there was more to choose from, is brought into range first: a
    slider that is out of range breaks in the browser.
    """
    chosen = st.session_state.get(key)
    if isinstance(chosen, int) and not 0 <= chosen < count:
        st.session_state[key] = max(0, min(chosen, count - 1))
    if count <= 1:  # nothing to choose from
        st.slider(label, 0, 1, 0, key=f"{key}_only", disabled=True)
        return 0
    return int(st.slider(label, 0, count - 1, default, key=key, bind="query-params"))


def switch(key: str, label: str) -> bool:
    """Off unless chosen."""
    return st.toggle(label, key=key, bind="query-params", wrap=True)


def one_of(key: str, label: str, options: Mapping[str, str]) -> str:
    """One of a few slugs, shown by their titles; the first unless chosen."""
    now = _take_from_address(key, options)
    slugs = list(options)
    chosen = st.segmented_control(
        label, slugs, default=now, format_func=options.__getitem__, required=True, key=key
    )
    return _put_into_address(key, chosen or slugs[0], options)


def pill(key: str, label: str, options: Mapping[str, str], default: str | None = None) -> str:
    """One of several slugs, shown by their titles on pills that wrap; the first by default."""
    now = _take_from_address(key, options, default)
    slugs = list(options)
    chosen = st.pills(
        label, slugs, default=now, format_func=options.__getitem__, required=True, key=key
    )
    return _put_into_address(key, chosen or default or slugs[0], options, default)


def one_of_many(key: str, label: str, options: Mapping[str, str]) -> str:
    """One of many slugs, shown by their titles in a list that opens; the first unless chosen."""
    now = _take_from_address(key, options)
    slugs = list(options)
    chosen = st.selectbox(
        label, slugs, index=slugs.index(now), format_func=options.__getitem__, key=key
    )
    return _put_into_address(key, chosen, options)


def one_in_order(
    key: str, label: str, options: Mapping[str, str], default: str | None = None
) -> str:
    """One of some slugs that have an order, on a slider with their titles; the first by default."""
    now = _take_from_address(key, options, default)
    chosen = st.select_slider(
        label, list(options), value=now, format_func=options.__getitem__, key=key
    )
    return _put_into_address(key, chosen, options, default)


def number(key: str, label: str, default: int, step: int = 1, **more: Any) -> int:
    """A whole number that is typed, of any size; the default unless chosen.

    It has no limits: a browser would refuse what is beyond them without a word, and leave the
    number before in its place. Whoever asks says what is wrong with it.
    """
    state, there = st.session_state, st.query_params.get(key, "")
    if key not in state and re.fullmatch(r"\d{1,15}", there, re.ASCII):
        state[key] = int(there)
    elif key not in state or state[key] == state.get(f"{key}_default"):
        state[key] = default
    state[f"{key}_default"] = default
    chosen = int(st.number_input(label, step=step, format="%d", key=key, **more))
    _write_into_address(key, None if chosen == default else str(chosen))
    return chosen


def forget(*keys: str) -> None:
    """Bring choices back to their defaults; call it before their controls are drawn."""
    for key in keys:
        st.session_state.pop(key, None)
        st.query_params.pop(key, None)


def picked(key: str, options: Iterable[str]) -> str:
    """One of some slugs that a picture chooses, by writing it into the state; else the first."""
    slugs = dict.fromkeys(options)
    _take_from_address(key, slugs)
    return _put_into_address(key, st.session_state[key], slugs)


def choose(key: str, slug: str) -> None:
    """Let a click elsewhere make a choice, before its control is made."""
    st.session_state.pop(f"{key}_default", None)  # or what is chosen would follow the default
    st.session_state[key] = slug


def pick(key: str, number: int) -> None:
    """Write a number that a picture chose into the state and into the address."""
    st.session_state[key] = number
    st.query_params[key] = str(number)


@dataclass(frozen=True)
class Tab:
    """One of a row of tabs: its title, what draws it when it is open, and what can be chosen there.

    keys are those of the address that are of this tab alone.
    """

    title: str
    draw: Callable[[], None]
    keys: Sequence[str] = ()


def tabs(drawings: Mapping[str, Tab], key: str = "tab") -> None:
    """A row of tabs by their slugs; only the open one is drawn, or says in a sentence why not.

    What a fragment raises never comes here: it has to tell its errors itself.
    """
    titles = {tab.title: slug for slug, tab in drawings.items()}
    shown = f"{key}_title"  # Streamlit knows a tab by its title
    if st.session_state.get(shown) in titles:
        st.session_state[key] = titles[st.session_state[shown]]
    _take_from_address(key, drawings)
    st.session_state[shown] = drawings[st.session_state[key]].title
    places = st.tabs(list(titles), key=shown, on_change="rerun")
    _put_into_address(key, st.session_state[key], drawings)
    for place, tab in zip(places, drawings.values(), strict=True):
        if not place.open:
            _leave(tab.keys)
        else:
            with place:
                try:
                    tab.draw()
                except ValueError as error:
                    show.failure(error)


def open_tab(title: str, key: str = "tab") -> None:
    """Let a click elsewhere on the page open a tab, by its title."""
    st.session_state[f"{key}_title"] = title


def _leave(keys: Sequence[str]) -> None:
    """Take the choices of a closed tab out of the address, until the tab is opened again."""
    for key in keys:
        if key in st.query_params:
            st.session_state[f"{key}_left"] = st.query_params[key]
            with suppress(StreamlitAPIException):  # of a bound control, which takes it out itself
                del st.query_params[key]


def _take_from_address(key: str, options: Mapping[str, object], default: str | None = None) -> str:
    """Bring the state of a choice up to date before its control is made; what is chosen now.

    A choice that was left at its default follows it where it changes. The control has to be told
    what is chosen as its own default, too: a browser never hears of what a run puts into the state
    if the next run is there before that was sent, and shows its first option instead.
    """
    default = default or next(iter(options))
    state = st.session_state
    there = st.query_params.get(key, state.pop(f"{key}_left", None))
    # Streamlit forgets a control that is not drawn for a while; the address remembers it.
    if key not in state and there in options:
        state[key] = there
    elif state.get(key) not in options or state[key] == state.get(f"{key}_default"):
        state[key] = default
    state[f"{key}_default"] = default
    chosen: str = state[key]
    return chosen


def _put_into_address(
    key: str, chosen: str, options: Mapping[str, object], default: str | None = None
) -> str:
    """Write a choice into the address, which stays short: a default is left out."""
    _write_into_address(key, chosen if chosen != (default or next(iter(options))) else None)
    return chosen


def _write_into_address(key: str, wanted: str | None) -> None:
    if st.query_params.get(key) != wanted:
        if wanted is None:
            del st.query_params[key]
        else:
            st.query_params[key] = wanted
