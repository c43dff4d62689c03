"""What an answer says leaves together: all of it, in its order, a frame for each message."""

import asyncio
import threading
from functools import partial
from types import SimpleNamespace

import uvicorn
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.runtime.app_session import AppSession
from streamlit.runtime.forward_msg_queue import ForwardMsgQueue
from streamlit.runtime.scriptrunner.script_runner import ScriptRunner
from streamlit.signal_util import Signal
from uvicorn.server import ServerState
from websockets.asyncio.client import connect

from gptviz.app import outbox
from gptviz.app.outbox import Together


class Written(outbox.Socket):
    """A websocket that counts how often it writes."""

    def __init__(self, times, *given):
        super().__init__(*given)
        self.times = times

    def connection_made(self, transport):
        super().connection_made(transport)
        write = transport.write
        self.transport = SimpleNamespace(
            write=lambda data: self.times.append(len(data)) or write(data),
            **{
                name: getattr(transport, name)
                for name in ("close", "is_closing", "pause_reading", "resume_reading")
            },
        )


async def _app(_scope, receive, send):
    await receive()
    await send({"type": "websocket.accept"})
    for payload in (Together([b"a", b"b" * 70_000, b"c"]), b"d", Together([b"e"])):
        await send({"type": "websocket.send", "bytes": payload})
    await send({"type": "websocket.close", "code": 1000})
    await send({"type": "websocket.send", "bytes": Together([b"too", b"late"])})


def test_what_comes_together_is_written_at_once_and_read_one_by_one():
    async def talk():
        config = uvicorn.Config(_app, ws=Written, log_level="critical")
        config.load()
        loop = asyncio.get_running_loop()
        made = partial(Written, times, config, ServerState(), {}, loop)
        async with await loop.create_server(made, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            async with connect(f"ws://127.0.0.1:{port}", max_size=None, proxy=None) as client:
                return [payload async for payload in client]

    times = []
    assert asyncio.run(talk()) == [b"a", b"b" * 70_000, b"c", b"d", b"e"]
    assert len(times) == 5  # the handshake, three times what was sent, and the end


class Session(AppSession):
    """A session that only takes in what a run says."""

    def __init__(self, loop):
        self._event_loop = loop
        self._browser_queue = ForwardMsgQueue()
        self._message_enqueued_callback = None
        self._scriptrunner = None
        self.seen = []

    def shutdown(self):
        pass

    def _enqueue_forward_msg(self, msg):
        self.seen.append(msg.script_finished)


class Run(ScriptRunner):
    """A run that nobody wants to end."""

    def __init__(self, session):
        self.on_event = Signal()
        self.on_event.connect(session._on_scriptrunner_event)

    def _maybe_handle_execution_control_request(self):
        pass


def _message(number):
    return ForwardMsg(script_finished=number)


def test_messages_and_events_of_a_run_come_in_their_order_and_of_no_other_run():
    loop = asyncio.new_event_loop()
    told = []
    loop.set_exception_handler(lambda _, context: told.append(str(context["exception"])))
    session = Session(loop)
    run, other = Run(session), Run(session)
    session._scriptrunner = run

    def fail():
        raise ValueError("one callback fails")

    def say():
        for number in range(3):
            outbox._hand_over(run, _message(number))
        outbox._call_in_order(session, lambda: session.seen.append("an event"))
        outbox._call_in_order(session, fail)
        outbox._hand_over(other, _message(1))
        outbox._hand_over(run, _message(3))
        outbox._call_in_order(session, loop.stop)

    thread = threading.Thread(target=say)
    thread.start()
    loop.run_forever()
    thread.join()
    loop.close()
    assert session.seen == [0, 1, 2, "an event", 3]
    assert told == ["one callback fails"]


def test_messages_come_without_an_event_too():
    loop = asyncio.new_event_loop()
    session = Session(loop)
    run = session._scriptrunner = Run(session)
    seen = session.seen

    class Seen(list):
        def append(self, number):
            super().append(number)
            if number == 2:
                loop.stop()

    session.seen = Seen(seen)
    for number in range(3):
        outbox._hand_over(run, _message(number))
    loop.run_forever()
    loop.close()
    assert session.seen == [0, 1, 2]


def test_a_queue_is_flushed_as_one_and_nothing_as_nothing():
    session = Session(None)
    assert outbox._flush_together(session) == []
    for number in (0, 1):
        session._browser_queue.enqueue(_message(number))
    (together,) = outbox._flush_together(session)
    written = []
    client = SimpleNamespace(write_forward_msg=lambda given: written.extend(outbox._written(given)))
    info = SimpleNamespace(client=client, script_run_count=0)
    outbox._send_together(None, info, together)
    assert [ForwardMsg.FromString(one).script_finished for one in written] == [0, 1]
    assert info.script_run_count == 1  # one of them says that a run has ended well
