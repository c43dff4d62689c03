"""Several servers behind nginx, started by one command, as one."""

import http.client
import shutil
import signal
from contextlib import ExitStack
from urllib.parse import urlsplit

import psutil
import pytest
from websockets.sync.client import connect

if not (shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")):
    pytest.skip("no nginx; get it, as in `apt-get install nginx-light`", allow_module_level=True)

PATIENCE = 60


@pytest.fixture
def together(start_server, gptviz):
    with start_server([*gptviz, "--port", "0", "--processes", "2", "--classroom"]) as started:
        yield started
        started.process.terminate()
        started.process.wait(PATIENCE)


def servers_of(together):
    children = psutil.Process(together.process.pid).children()
    return [child for child in children if child.name() != "nginx"]


def connections(server):
    found = server.net_connections("tcp")
    return {one.raddr for one in found if one.status == psutil.CONN_ESTABLISHED}


def test_a_browser_stays_with_one_process_and_each_has_as_many(together):
    place = urlsplit(together.url)
    url, protocols = f"ws://{place.netloc}/_stcore/stream", ["streamlit"]
    servers = servers_of(together)
    assert len(servers) == 2
    with ExitStack() as room:
        for _ in range(6):
            given = cookie_of(place)
            assert "HttpOnly" in given
            assert "SameSite=Lax" in given
            before = [connections(server) for server in servers]
            for _ in range(2):
                cookie = {"Cookie": given.partition(";")[0]}
                room.enter_context(connect(url, subprotocols=protocols, additional_headers=cookie))
            more = [len(connections(s) - n) for s, n in zip(servers, before, strict=True)]
            assert sorted(more) == [0, 2]
        with_each = [len(connections(server)) for server in servers]
        assert with_each == [6, 6]


def cookie_of(place):
    """What a browser that comes for the first time is told to keep."""
    request = http.client.HTTPConnection(place.netloc, timeout=PATIENCE)
    request.request("GET", "/")
    cookies = request.getresponse().headers.get_all("Set-Cookie")
    request.close()
    [given] = [cookie for cookie in cookies if cookie.startswith(f"gptviz_process_{place.port}=")]
    return given


def test_the_word_of_the_teacher_is_known_wherever_it_leads(together):
    place = urlsplit(together.url)
    together.wait_for(r"(http://\S+teacher=\S+)")
    word = together.url.partition("teacher=")[2]
    request = http.client.HTTPConnection(place.netloc, timeout=PATIENCE)
    request.request("GET", f"/?teacher={word}", headers={"Cookie": "gptviz_process=reader"})
    answer = request.getresponse()
    assert 300 <= answer.status < 400
    assert "teacher" not in answer.headers["Location"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_all_end_with_the_command(together, number):
    processes = psutil.Process(together.process.pid).children(recursive=True)
    assert together.stop(number) == 0
    _, alive = psutil.wait_procs(processes, PATIENCE)
    assert not alive


def test_no_server_outlives_a_command_that_was_killed(together):
    servers = servers_of(together)
    others = psutil.Process(together.process.pid).children()
    together.process.kill()
    _, alive = psutil.wait_procs(servers, PATIENCE)
    for other in others:
        if other not in servers:
            other.terminate()
    assert not alive


def test_where_one_of_them_ends_all_end_and_it_is_told(together):
    servers_of(together)[0].kill()
    assert together.process.wait(PATIENCE) == 1
    together.wait_for(r"(one of its processes, has ended with exit code -9)")
