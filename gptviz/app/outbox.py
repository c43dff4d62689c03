"""The messages of an answer leave the server together, where Streamlit sends one by one.

A page is about seventy messages. Streamlit lets the server's loop go round once after each, and
uvicorn writes each to the socket by itself, which a proxy before it then reads by itself: most of
what the loop does for an answer. This leans on the inside of both, as streamlit_quirks does; a
browser gets the same messages in the same order (tests/app/test_outbox.py).
"""

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.runtime.app_session import AppSession
from streamlit.runtime.runtime import Runtime
from streamlit.runtime.runtime_util import serialize_forward_msg
from streamlit.runtime.scriptrunner.script_runner import ScriptRunner, ScriptRunnerEvent
from streamlit.runtime.session_manager import ActiveSessionInfo
from streamlit.web.server.starlette import starlette_websocket
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.protocol import OPEN

_flush, _send = AppSession.flush_browser_queue, Runtime._send_message
_wake, _hear = Runtime._enqueued_some_message, AppSession._on_scriptrunner_event


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


def _hear_a_message(
    self: AppSession,
    sender: ScriptRunner | None,
    event: ScriptRunnerEvent,
    forward_msg: ForwardMsg | None = None,
    **more: Any,
) -> None:
    """Hand what a run says over to the loop: messages, the most of it, on a short way."""
    if event is ScriptRunnerEvent.ENQUEUE_FORWARD_MSG and forward_msg is not None:
        self._call_soon_on_event_loop(partial(_take, self, sender, forward_msg))
    else:
        _hear(self, sender, event, forward_msg, **more)


def _take(session: AppSession, sender: ScriptRunner | None, message: ForwardMsg) -> None:
    if sender is session._scriptrunner:  # or else a run that another one has replaced
        session._enqueue_forward_msg(message)


def _wake_now(self: Runtime) -> None:
    """Tell the loop of a message; from within it, where most are, without going round once."""
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
    (AppSession, _hear, _hear_a_message),
    (AppSession, _flush, _flush_together),
    (Runtime, _send, _send_together),
    (Runtime, _wake, _wake_now),
    (starlette_websocket, serialize_forward_msg, _written),
)


def settle() -> None:
    """Let what this process serves leave together from now on."""
    for place, plain, ours in WAYS:
        setattr(place, plain.__name__, ours)
