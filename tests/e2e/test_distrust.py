"""What no page sends: a session breaks at none of it, and the terminal gets no traceback."""

from contextlib import suppress
from urllib.parse import urlsplit

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

SENT = {"int_value": 7, "double_value": 1e308, "string_value": "x", "json_value": "no JSON"}


def run(socket, **values):
    """Let the page run, with this sent for a control; the ids of its controls by their kinds."""
    message = BackMsg()
    message.rerun_script.query_string = ""
    for control, value in values.get("states", {}).items():
        state = message.rerun_script.widget_states.widgets.add()
        state.id = control
        setattr(state, *value)
    socket.send(message.SerializeToString())
    found = {}
    while True:
        answer = ForwardMsg()
        answer.ParseFromString(socket.recv(90))
        if answer.WhichOneof("type") == "script_finished":
            return found
        element = answer.delta.new_element
        kind = element.WhichOneof("type")
        assert kind != "exception"
        if kind and getattr(getattr(element, kind), "id", ""):
            found[getattr(element, kind).id] = kind


def lie(url):
    with connect(url, subprotocols=["streamlit"], max_size=None) as socket:
        controls = run(socket)
        assert {"selectbox", "checkbox", "bidi_component"} <= set(controls.values())
        for value in SENT.items():
            run(socket, states=dict.fromkeys(controls, value))
    # At once in a session of its own, where no control is known yet.
    with connect(url, subprotocols=["streamlit"], max_size=None) as socket:
        run(socket, states=dict.fromkeys([*controls, "", "model"], ("int_value", 7)))


def talk_nonsense(url, words):
    with connect(url, subprotocols=["streamlit"]) as socket:
        socket.send(words)
        with suppress(ConnectionClosed):
            while True:
                socket.recv(90)


def test_a_value_of_another_kind_than_its_control_is_nothing(fresh_server):
    url = f"ws://{urlsplit(fresh_server.url).netloc}/_stcore/stream"
    lie(url)
    assert len(fresh_server.printed) == 1
    talk_nonsense(url, "a text")
    assert len(fresh_server.printed) == 1
    talk_nonsense(url, b"\xff\xff\xff")
    assert [line.split(maxsplit=2)[-1] for line in fresh_server.printed[1:]] in (
        [],  # it is printed a moment later
        ["Error deserializing back message\n"],
    )
