"""Who has left keeps nothing open."""

import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.sync.client import connect


def visit(url):
    with connect(url, subprotocols=["streamlit"], max_size=None) as socket:
        message = BackMsg()
        message.rerun_script.query_string = ""
        socket.send(message.SerializeToString())
        answer = ForwardMsg()
        while answer.WhichOneof("type") != "script_finished":
            answer.ParseFromString(socket.recv(90))


def n_open(server):
    return len(list(Path(f"/proc/{server.process.pid}/fd").iterdir()))


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells what a process has open")
def test_a_session_whose_browser_has_left_keeps_nothing_open(fresh_server):
    url = f"ws://{urlsplit(fresh_server.url).netloc}/_stcore/stream"
    visit(url)
    before = n_open(fresh_server)
    for _ in range(8):
        visit(url)
    assert n_open(fresh_server) <= before + 3  # of the last page, whose thread may just be ending
