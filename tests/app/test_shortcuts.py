"""A shortcut through Streamlit leads to what Streamlit itself would give."""

import json
from pathlib import Path
from types import SimpleNamespace

import pytest
from streamlit.commands import navigation as command
from streamlit.components.v2.bidi_component.serialization import deserialize_trigger_list
from streamlit.components.v2.presentation import make_bidi_component_presenter
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.NewSession_pb2 import CustomThemeConfig
from streamlit.runtime import app_session, forward_msg_cache
from streamlit.runtime.scriptrunner import script_runner
from streamlit.runtime.state.common import WidgetMetadata
from streamlit.runtime.state.session_state import SessionState
from streamlit.testing.v1 import AppTest

from gptviz.app import shortcuts

PAGES = """
from pathlib import Path
import streamlit as st
from streamlit.runtime.scriptrunner import script_runner

script_runner._mpa_v1(str(Path(__file__)))
"""
CONTROLS = """
import streamlit as st
from gptviz.app.menu.theme_menu import theme_menu
from gptviz.subjects.sampling.explorer import CARRIER

theme_menu("light")
for number in range(2):  # those without a key are told apart by what they get
    CARRIER(data={"number": number})
st.session_state.setdefault("kept", None)
st.text(sorted(st.session_state))
st.selectbox("Kept", ["a", "b"], key="kept")
st.slider("Sliding", 0, 9, 4, key="sliding")
st.number_input("Number", value=3, key="number")
"""


@pytest.fixture
def settle(monkeypatch):
    """Takes the shortcuts; in the end Streamlit's own ways are back in their places."""
    for place, name, _ in shortcuts.SHORTCUTS:
        monkeypatch.setattr(place, name, getattr(place, name))
    return shortcuts.settle


def test_the_pages_are_those_that_streamlit_finds_and_are_looked_for_once(
    settle, tmp_path, monkeypatch
):
    (tmp_path / "pages").mkdir()
    for name in ("attention", "2_tokens", "__init__", "._mlp"):
        (tmp_path / "pages" / f"{name}.py").write_text("")
    (tmp_path / "app.py").write_text(PAGES)
    asked = []

    def navigation(pages, **more):
        asked.append(([sorted(vars(page).items(), key=str) for page in pages], more))
        pages[0]._can_be_called = "only in this answer"
        return SimpleNamespace(run=lambda: None)

    for place in (command, shortcuts):
        monkeypatch.setattr(place, "_navigation", navigation)

    def run():
        assert not AppTest.from_file(str(tmp_path / "app.py"), default_timeout=60).run().exception

    run()
    settle()
    run()
    looked = []
    resolve = Path.resolve
    monkeypatch.setattr(Path, "resolve", lambda *given: looked.append(given[0]) or resolve(*given))
    run()
    assert len(asked[0][0]) == 3
    assert asked[0] == asked[1] == asked[2]
    assert not [path for path in looked if path.name == "attention.py"]


def _element(text, path=(0, 1)):
    message = ForwardMsg()
    message.delta.new_element.markdown.body = text
    message.metadata.delta_path[:] = path
    return message


def test_parts_of_a_page_have_equal_names_where_their_contents_are_equal():
    def named(message):
        shortcuts._hash(message)
        return message.hash

    assert named(_element("a")) == named(_element("a", (5,))) != named(_element("b")) != ""
    block = ForwardMsg()
    block.delta.add_block.allow_empty = True
    assert named(block) != ""
    assert not block.metadata.cacheable
    assert named(ForwardMsg(script_finished=0)) == ""


@pytest.mark.parametrize("size", [1, 9_000, 11_000])
def test_a_browser_keeps_what_streamlit_would_let_it_keep(size):
    ours, theirs = _element("a" * size), _element("a" * size)
    shortcuts._hash(ours)
    forward_msg_cache.populate_hash_if_needed(theirs)
    theirs.hash = ours.hash
    assert ours == theirs


@pytest.mark.parametrize("section", ["theme", "theme.light", "theme.sidebar"])
def test_a_theme_is_that_of_the_settings(section):
    ours, theirs = CustomThemeConfig(), CustomThemeConfig()
    shortcuts._copy_theme(ours.dark, section)
    app_session._populate_theme_msg(theirs.dark, section)
    assert ours == theirs


def test_a_picture_and_controls_are_what_streamlit_draws(settle):
    def drawn():
        app = AppTest.from_string(CONTROLS, default_timeout=60).run()
        assert not app.exception
        app.slider(key="sliding").set_value(7).run()
        assert not app.exception
        return [found for element in app.main if (found := getattr(element, "proto", None))]

    plain = drawn()
    settle()
    assert drawn() == plain
    assert len(plain) == 7


@pytest.mark.parametrize(
    ("kept", "sent"),
    [
        ({}, [{"event": "head", "value": [1, 2]}, {"event": "shown"}]),
        ({"head": 3}, [{"event": "head", "value": 4}]),
        ({"head": 3}, None),
        ({"head": 3}, [5, {"event": 6}, "head"]),
        (None, [{"event": "head", "value": 4}]),
    ],
)
def test_what_a_picture_has_told_is_what_streamlit_makes_of_it(kept, sent):
    state, read = SessionState(), deserialize_trigger_list
    state._new_widget_state.set_from_value("events", read(json.dumps(sent)))
    metadata = WidgetMetadata("events", read, json.dumps, "json_trigger_value")
    state._new_widget_state.set_widget_metadata(metadata)
    theirs = make_bidi_component_presenter("events", "picture", {"head", "shown"})
    assert shortcuts._presenter("events")(kept, state) == theirs(kept, state)


def test_the_shortcuts_are_where_streamlit_goes():
    assert all(hasattr(place, name) for place, name, _ in shortcuts.SHORTCUTS)
    assert script_runner._mpa_v1.__name__ in ("_mpa_v1", "_run_page")
