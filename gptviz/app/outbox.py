"""The messages of an answer leave the server together, where Streamlit sends one by one.

A page is about ninety messages. Streamlit hands each to the server's loop by itself and lets the
loop go round once after it, and uvicorn writes each to the socket by itself: most of what the loop
does for an answer. This leans on the inside of both, as streamlit_quirks does; a browser gets the
same messages in the same order (tests/app/test_outbox.py).
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.runtime.app_session import AppSession
from streamlit.runtime.runtime import Runtime
from streamlit.runtime.runtime_util import serialize_forward_msg
from streamlit.runtime.scriptrunner.script_runner import ScriptRunner
from streamlit.runtime.session_manager import ActiveSessionInfo
from streamlit.web.server.starlette import starlette_websocket
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.protocol import OPEN

_call_soon, _flush = AppSession._call_soon_on_event_loop, AppSession.flush_browser_queue
_send, _wake = Runtime._send_message, Runtime._enqueued_some_message
_enqueue = ScriptRunner._enqueue_forward_msg

AFTER = 0.01  # seconds, for which messages wait for others; the end of a run brings all at once


class Together(list[Any]):
    """Messages, or what is written of each, on one way through Streamlit."""


class Socket(WebSocketsSansIOProtocol):
    """A websocket that writes at once what comes together."""

    async def send(self, message: Any) -> None:
        """Send what Streamlit does, a frame for each of its messages."""
        payload = message.get("bytes")
        if isinstance(payload, Together):
            *first, last = payload
            for one in first if self.conn.state is OPEN else ():
                self.conn.send_binary(one)  # and is written with the last
            message = {**message, "bytes": last}
        await super().send(message)


def _call_in_order(self: AppSession, callback: Callable[[], None]) -> None:
    """Call back in the loop, when what a run has handed over before is taken."""
    _waiting(self).append(callback)
    _call_soon(self, partial(_call_all, self))


def _hand_over(self: ScriptRunner, message: ForwardMsg) -> None:
    """Hand a message of a run over to the loop, which is told of it once for many."""
    session = vars(self).get("session") or _session_of(self)
    if not isinstance(session, AppSession):  # but a test
        _enqueue(self, message)
        return
    self._maybe_handle_execution_control_request()
    _waiting(session).append(partial(_take, session, self, message))
    if not vars(session).get("is_told"):
        vars(session)["is_told"] = True
        _call_soon(session, partial(session._event_loop.call_later, AFTER, _call_all, session))


def _session_of(runner: ScriptRunner) -> object:
    """Who hears what a run says."""
    who = [
        getattr(receiver, "__self__", None) for receiver in runner.on_event._get_live_receivers()
    ]
    found = vars(runner)["session"] = who[0] if len(who) == 1 else None
    return found


def _waiting(session: AppSession) -> deque[Callable[[], None]]:
    found: deque[Callable[[], None]] = vars(session).setdefault("waiting", deque())
    return found


def _call_all(session: AppSession) -> None:
    # The flag falls before the queue is worked off, so nothing is left in it unseen.
    vars(session)["is_told"] = False
    waiting = _waiting(session)
    try:
        while waiting:
            waiting.popleft()()
    finally:
        if waiting:  # one has failed, which is told as always
            _call_soon(session, partial(_call_all, session))


def _take(session: AppSession, sender: ScriptRunner, message: ForwardMsg) -> None:
    if sender is session._scriptrunner:
        session._enqueue_forward_msg(message)


def _wake_once(self: Runtime) -> None:
    objects = self._get_async_objs()
    if asyncio._get_running_loop() is objects.eventloop:
        objects.need_send_data.set()
    else:
        _wake(self)


def _flush_together(self: AppSession) -> list[Any]:
    messages = _flush(self)
    return [Together(messages)] if messages else []


def _send_together(
    self: Runtime,  # noqa: ARG001
    session_info: ActiveSessionInfo,
    together: Any,
) -> None:
    session_info.script_run_count += sum(
        message.WhichOneof("type") == "script_finished"
        and message.script_finished == ForwardMsg.FINISHED_SUCCESSFULLY
        for message in together
    )
    session_info.client.write_forward_msg(together)


def _written(together: Together) -> Together:
    return Together(map(serialize_forward_msg, together))


WAYS: Sequence[tuple[Any, Callable[..., Any], Callable[..., Any]]] = (
    (AppSession, _call_soon, _call_in_order),
    (ScriptRunner, _enqueue, _hand_over),
    (Runtime, _wake, _wake_once),
    (AppSession, _flush, _flush_together),
    (Runtime, _send, _send_together),
    (starlette_websocket, serialize_forward_msg, _written),
)


def settle() -> None:
    """Let what this process serves leave together from now on."""
    for place, plain, ours in WAYS:
        setattr(place, plain.__name__, ours)
