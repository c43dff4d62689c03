"""The command, from its first line to its last."""

import re
import signal
import socket
import subprocess
import sys
from http.client import HTTPConnection
from urllib.parse import urlsplit

import pytest


def ask(url: str, path: str, **headers: str) -> tuple[int, str]:
    connection = HTTPConnection(urlsplit(url).netloc, timeout=60)
    connection.request("GET", path, headers=headers)
    answer = connection.getresponse()
    # A websocket that was let in has no end.
    return answer.status, "" if answer.status == 101 else answer.read().decode()


def connect(url: str, host: str, origin: str) -> int:
    """Ask for the websocket that carries the pages, as a browser does; the answer's status."""
    headers = {
        "Host": host,
        "Origin": origin,
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
        "Sec-WebSocket-Protocol": "streamlit",
    }
    return ask(url, "/_stcore/stream", **headers)[0]


def test_the_command_prints_its_address_and_answers_there(server):
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+", server.url)
    assert ask(server.url, "/_stcore/health") == (200, "ok")


def test_the_command_prints_nothing_but_its_address(start_server):
    with start_server() as server:
        assert server.stop(signal.SIGTERM) == 0
    assert server.printed == [f"gptviz is ready: {server.url} (Ctrl-C ends it)\n"]


def test_a_page_of_another_site_cannot_listen_in_and_nobody_is_asked_about_it(start_server):
    with socket.create_server(("127.0.0.1", 0)) as network:
        way_out = f"http://127.0.0.1:{network.getsockname()[1]}"
        with start_server(http_proxy=way_out, https_proxy=way_out) as server:
            here = urlsplit(server.url).netloc
            assert connect(server.url, here, origin=server.url) == 101
            assert connect(server.url, here, origin="http://evil.example") == 403
            assert connect(server.url, "evil.example", origin="http://evil.example") == 403
        network.setblocking(False)
        with pytest.raises(BlockingIOError):
            network.accept()


def test_a_port_in_use_is_one_sentence_with_the_way_out(gptviz):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        command = [*gptviz, "--port", str(port)]
        result = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 1
    assert result.stdout == ""
    assert result.stderr == (
        f"gptviz: cannot listen on port {port} of 127.0.0.1: another program uses it; "
        f"choose another, as in: gptviz --port {port + 1}\n"
    )


@pytest.mark.parametrize(
    "number", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.thorough)]
)
def test_ctrl_c_ends_the_server_cleanly_while_a_page_is_open(
    start_server, chromium, number, tmp_path
):
    # What Python does, now and then, if a thread of PyTorch gives a tensor back as it shuts down.
    (tmp_path / "sitecustomize.py").write_text("import atexit, os\natexit.register(os.abort)\n")
    with start_server(PYTHONPATH=str(tmp_path)) as server:
        page = chromium.new_page()
        page.goto(server.url)
        page.get_by_role("heading", level=1).wait_for()
        assert server.stop(number) == 0
        page.close()
    assert len(server.printed) == 1


@pytest.fixture
def early_server(gptviz, start_server):
    """A server that listens, and has yet to load its model."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with start_server([*gptviz, "--port", str(port)], ready="") as server:
        server.url = f"http://127.0.0.1:{port}"
        while socket.socket().connect_ex(("127.0.0.1", port)):
            assert server.process.poll() is None, "".join(server.printed)
        yield server


@pytest.fixture
def streamlit_run(start_server):
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", "0"]
    with start_server([*command, "--server.headless", "true"], ready=r"URL: (http\S+)") as server:
        yield server


def test_streamlit_run_shows_the_same_app_and_only_to_this_machine(streamlit_run, visit, expect):
    assert urlsplit(streamlit_run.url).hostname == "127.0.0.1"
    visitor = visit(streamlit_run, color_scheme="light")
    page = visitor.open()
    assert page.title() == "Overview · gptviz"
    page.locator(".path").wait_for()
    page.get_by_role("radio", name="Dark").click()
    expect(page.get_by_test_id("stApp")).to_have_css("background-color", "rgb(14, 17, 23)")
    page.reload()
    expect(page.get_by_test_id("stApp")).to_have_css("background-color", "rgb(14, 17, 23)")
    visitor.settle()


def test_a_visitor_may_come_before_the_model_is_in_memory(early_server, visit):
    page = visit(early_server).open("/attention", layer=2)
    page.get_by_role("button", name="L2 H3").wait_for()
