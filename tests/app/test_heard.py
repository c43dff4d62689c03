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
from streamlit.runtime.scriptrunner_utils.script_run_context import RunLocation, ThreadState

from gptviz.app import streamlit_quirks

NAME = "_maybe_handle_execution_control_request"


@pytest.fixture
def superseded(monkeypatch) -> SimpleNamespace:
    """A run after which another one waits."""
    monkeypatch.setattr(ScriptRunner, NAME, getattr(ScriptRunner, NAME))
    streamlit_quirks.hear_to_the_end()
    ThreadState.initialize()
    waits = ScriptRequest(ScriptRequestType.RERUN, RerunData())
    return SimpleNamespace(
        _is_in_script_thread=lambda: True,
        _execing=True,
        _requests=SimpleNamespace(on_scriptrunner_yield=lambda: waits),
    )


def test_a_superseded_run_gives_way_when_it_has_heard_what_it_was_begun_for(superseded):
    with ThreadState.scoped(run_location=RunLocation.CALLBACK):
        getattr(ScriptRunner, NAME)(superseded)
    with pytest.raises(RerunException):
        getattr(ScriptRunner, NAME)(superseded)


def test_another_thread_is_asked_as_before(superseded):
    superseded._is_in_script_thread = lambda: False
    getattr(ScriptRunner, NAME)(superseded)
