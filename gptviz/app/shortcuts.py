"""Shortcuts through Streamlit: what it does anew for each answer and each message, done once.

What a browser gets is the same (tests/app/test_shortcuts.py). As streamlit_quirks does, this leans
on the inside of Streamlit, which none of its documents promises.
"""

import functools
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import copy
from pathlib import Path
from typing import Any

import streamlit as st
from streamlit.commands.navigation import _navigation
from streamlit.components.v2.bidi_component import main as components
from streamlit.navigation import page as navigation
from streamlit.navigation.page import Page, _create_page
from streamlit.proto.BidiComponent_pb2 import BidiComponent
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.NewSession_pb2 import CustomThemeConfig
from streamlit.runtime import app_session
from streamlit.runtime.scriptrunner import script_runner
from streamlit.runtime.scriptrunner_utils import script_run_context
from streamlit.runtime.state.safe_session_state import SafeSessionState
from streamlit.runtime.state.session_state import SessionState
from streamlit.source_util import page_sort_key
from streamlit.util import calc_hash

_populate_theme = app_session._populate_theme_msg
_everything = vars(SafeSessionState)["filtered_state"].fget


def _run_page(script: str) -> None:
    """Run the page that is asked for; Streamlit looks for the files of all others each time."""
    pages = [copy(page) for page in _pages(script)]  # each answer notes in its own which one it is
    _navigation(pages, position="hidden", expanded=False).run()


@functools.cache
def _pages(script: str) -> list[Page]:
    main = Path(script).resolve()
    files = (main.parent / "pages").glob("*.py")
    shown = (file for file in files if file.name[0] != "." and file.name != "__init__.py")
    others = (_create_page(file) for file in sorted(shown, key=page_sort_key))
    return [_create_page(main, default=True), *others]


def _hash(message: ForwardMsg) -> None:
    """Name the contents of a part of the page, by which a browser knows again what it has.

    It asks for no other message's name; Streamlit takes each apart and writes it to name it.
    """
    if message.hash or not message.HasField("delta"):
        return
    written = message.delta.SerializeToString(deterministic=True)
    message.hash = calc_hash(written)
    is_element = message.delta.WhichOneof("type") == "new_element"
    message.metadata.cacheable = is_element and len(written) >= _least_kept()


@functools.cache
def _least_kept() -> int:
    return int(st.get_option("global.minCachedMessageSize"))


def _copy_theme(message: CustomThemeConfig, section: str = "theme") -> None:
    """Write the theme's settings, which stay; Streamlit looks through all settings six times."""
    found = _theme(section)
    if found.ByteSize():  # or else it would be there, and empty
        message.MergeFrom(found)


@functools.cache
def _theme(section: str) -> CustomThemeConfig:
    found = CustomThemeConfig()
    _populate_theme(found, section)
    return found


def _write_json(data: Any, component: BidiComponent) -> None:
    """Write what a picture of our own gets; Streamlit looks for tables in it, which none has."""
    component.json = json.dumps(data)


def _presenter(events: str, *_: Any) -> Callable[[object, SessionState], object]:
    """What a picture of our own has sent, with what it has just told of under the id `events`.

    Streamlit makes a class for each to hear of what is written into it, which nobody does here.
    """

    def present(kept: object, state: SessionState) -> object:
        if not isinstance(kept, dict) or events not in state._new_widget_state.widget_metadata:
            return kept
        told = state._new_widget_state.get(events) or []
        known = [one for one in told if isinstance(one, dict) and isinstance(one.get("event"), str)]
        return {one["event"]: one.get("value") for one in known} | kept

    return present


class _Asked(Mapping[str, Any]):
    """A session's state; Streamlit lists all of it for a control that asks for its own value."""

    def __init__(self, state: SafeSessionState):
        self._state = state

    def __getitem__(self, key: str) -> Any:
        return self._state[key]

    def __iter__(self) -> Iterator[str]:
        return iter(_everything(self._state))

    def __len__(self) -> int:
        return len(_everything(self._state))


# Where each is taken.
SHORTCUTS: Sequence[tuple[Any, str, Any]] = (
    (script_runner, "_mpa_v1", _run_page),
    (navigation, "calc_hash", functools.lru_cache(1024)(calc_hash)),  # of each page's address
    (script_run_context, "populate_hash_if_needed", _hash),
    (app_session, "_populate_theme_msg", _copy_theme),
    (components, "serialize_mixed_data", _write_json),
    (components, "make_bidi_component_presenter", _presenter),
    (SafeSessionState, "filtered_state", property(_Asked)),
)


def settle() -> None:
    """Take all of them, in what this process serves from now on."""
    for place, name, ours in SHORTCUTS:
        setattr(place, name, ours)
