"""What an answer says leaves together: all of it, in its order, a frame for each message."""

import asyncio
from functools import partial
from types import SimpleNamespace

import uvicorn
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.runtime.app_session import AppSession
from streamlit.runtime.forward_msg_queue import ForwardMsgQueue
from streamlit.runtime.scriptrunner.script_runner import ScriptRunnerEvent
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
    """A session that only has a queue."""

    def __init__(self):
        self._browser_queue = ForwardMsgQueue()

    def shutdown(self):
        pass


def test_a_queue_is_flushed_as_one_and_nothing_as_nothing():
    session = Session()
    assert outbox._flush_together(session) == []
    for number in (0, 1):
        session._browser_queue.enqueue(ForwardMsg(script_finished=number))
    (together,) = outbox._flush_together(session)
    written = []
    client = SimpleNamespace(write_forward_msg=lambda given: written.extend(outbox._written(given)))
    info = SimpleNamespace(client=client, script_run_count=0)
    outbox._send_together(None, info, together)
    assert [ForwardMsg.FromString(one).script_finished for one in written] == [0, 1]
    assert info.script_run_count == 1  # one of them says that a run has ended well


def test_the_loop_hears_of_a_message_from_within_and_from_another_thread():
    async def hear():
        loop = asyncio.get_running_loop()
        objects = SimpleNamespace(eventloop=loop, need_send_data=asyncio.Event())
        runtime = SimpleNamespace(_get_async_objs=lambda: objects)
        outbox._wake_now(runtime)
        assert objects.need_send_data.is_set()
        objects.need_send_data.clear()
        await asyncio.to_thread(outbox._wake_now, runtime)
        await asyncio.wait_for(objects.need_send_data.wait(), 30)

    asyncio.run(hear())


def test_what_a_run_says_comes_in_its_order_and_nothing_of_a_run_that_was_replaced():
    class Hearing(Session):
        def _enqueue_forward_msg(self, msg):
            seen.append(msg.script_finished)

        def _handle_scriptrunner_event_on_event_loop(self, sender, event, *_):
            seen.append((sender, event))

    async def hear():
        session = Hearing()
        session._event_loop = asyncio.get_running_loop()
        session._scriptrunner = "this run"
        for number in range(3):
            for run in ("this run", "another"):
                message = ForwardMsg(script_finished=number)
                outbox._hear_a_message(session, run, said, forward_msg=message)
        outbox._hear_a_message(session, "this run", ended, client_state=None)
        await asyncio.sleep(0)

    said, ended = ScriptRunnerEvent.ENQUEUE_FORWARD_MSG, ScriptRunnerEvent.SHUTDOWN
    seen = []
    asyncio.run(hear())
    assert seen == [0, 1, 2, ("this run", ended)]
