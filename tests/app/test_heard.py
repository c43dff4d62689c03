"""What a browser did is taken in whole, even if its next wish has come already."""

from types import SimpleNamespace

import pytest
from streamlit.runtime.scriptrunner import RerunException
from streamlit.runtime.scriptrunner.script_runner import ScriptRunner
from streamlit.runtime.scriptrunner_utils.script_requests import (
    RerunData,
    ScriptRequest,
    ScriptRequestType,
)
from streamlit.runtime.state.safe_session_state import SafeSessionState

from gptviz.app import streamlit_quirks

HEARS, GIVES_WAY = "on_script_will_rerun", "_maybe_handle_execution_control_request"


class State:
    """A session's state, whose callbacks ask for it, as `st.session_state` does."""

    def __init__(self):
        self.heard = []

    def on_script_will_rerun(self, widget_states, **_):
        self.safe["typed"]
        self.heard.append(widget_states)

    def __getitem__(self, key):
        return f"what was {key}"


@pytest.fixture
def quirks(monkeypatch):
    """Puts Streamlit's own ways back in their places."""
    for kind, name in ((SafeSessionState, HEARS), (ScriptRunner, GIVES_WAY)):
        monkeypatch.setattr(kind, name, getattr(kind, name))
    streamlit_quirks.hear_to_the_end()


@pytest.mark.usefixtures("quirks")
def test_a_superseded_run_gives_way_when_it_has_heard_what_it_was_begun_for():
    waits = ScriptRequest(ScriptRequestType.RERUN, RerunData())
    runner = SimpleNamespace(
        _is_in_script_thread=lambda: True,
        _execing=True,
        _requests=SimpleNamespace(on_scriptrunner_yield=lambda: waits),
    )
    state = State()
    state.safe = SafeSessionState(state, lambda: getattr(ScriptRunner, GIVES_WAY)(runner))
    state.safe.on_script_will_rerun("a click")
    assert state.heard == ["a click"]
    with pytest.raises(RerunException):
        state.safe["typed"]
