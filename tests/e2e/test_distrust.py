"""What no page sends: a session breaks at none of it, and the terminal gets no traceback."""

import json
from contextlib import suppress
from urllib.parse import urlsplit

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

SENT = {"int_value": 7, "double_value": 1e308, "string_value": "x", "json_value": "no JSON"}
PREFIX = "$$STREAMLIT_INTERNAL_KEY_"  # of what a component triggers
EVENTS = {"box": ["text"], "picture": ["append", "position", "open"], "chips": ["position"]}
TRIGGERED = (5, -7, 10**12, "x", [], {}, {"number": "x", "text": 5}, [10**9, -1])


def run(socket, **values):
    """Let the page run, with this sent for a control; the ids of its controls by their kinds.

    The kind of a component is its name.
    """
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
        if kind == "bidi_component":
            found[element.bidi_component.id] = element.bidi_component.component_name


def lie_in_pictures(url):
    """Send what no click on a picture tells, as what it triggers and as what it keeps."""
    with connect(url, subprotocols=["streamlit"], max_size=None) as socket:
        names = {control: kind.rpartition("_")[2] for control, kind in run(socket).items()}
        pictures = {control: EVENTS[name] for control, name in names.items() if name in EVENTS}
        assert set(EVENTS) <= set(names.values())
        for value in TRIGGERED:
            for control, events in pictures.items():
                told = json.dumps([{"event": event, "value": value} for event in events])
                kept = json.dumps(dict.fromkeys(events, value))
                run(socket, states={f"{PREFIX}_{control}__events": ("json_trigger_value", told)})
                run(socket, states={control: ("json_value", kept)})


def lie(url):
    with connect(url, subprotocols=["streamlit"], max_size=None) as socket:
        controls = run(socket)
        assert {"selectbox", "checkbox", "gptviz_prompt_box"} <= set(controls.values())
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
    lie_in_pictures(url)
    assert len(fresh_server.printed) == 1
    talk_nonsense(url, "a text")
    assert len(fresh_server.printed) == 1
    talk_nonsense(url, b"\xff\xff\xff")
    assert [line.split(maxsplit=2)[-1] for line in fresh_server.printed[1:]] in (
        [],  # it is printed a moment later
        ["Error deserializing back message\n"],
    )
