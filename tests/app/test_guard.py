"""Who is let in, and what everybody else is told; tests/e2e/test_proxy.py asks a real server."""

from contextlib import suppress

import pytest

from gptviz.app import guard, hosts
from gptviz.cli import main, parser

PAGES = ("/attention", "/tokens")
HERE = "127.0.0.1:8501"


class Inside:
    """An app that answers "in", and keeps what came."""

    def __init__(self):
        self.came = []

    async def __call__(self, scope, _, send):
        self.came.append(scope)
        if scope["type"] == "http":
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b"in"})


@pytest.fixture
def inside():
    return Inside()


def ask(door, path="/", method="GET", kind="http", query="", **headers):
    """The status, the headers and the words of an answer; of a websocket, what was sent."""
    scope = {
        "type": kind,
        "method": method,
        "path": path,
        "query_string": query.encode(),
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
    }
    sent = []

    async def receive():
        return {"type": "http.request", "body": b""}

    async def send(message):
        sent.append(message)

    with suppress(StopIteration):  # nothing is waited for, so no event loop is needed
        door(scope, receive, send).send(None)
    if kind == "websocket":
        return sent
    start, *rest = sent
    words = b"".join(part.get("body", b"") for part in rest).decode()
    return start["status"], {k.decode(): v.decode() for k, v in start["headers"]}, words


@pytest.mark.parametrize("path", ["/", "/attention", "/static/js/x.js", "/robots.txt", "/_stcore/"])
@pytest.mark.parametrize("host", [HERE, "evil.example"])
def test_no_answer_may_be_framed_by_another_site_or_be_taken_for_another_kind(inside, path, host):
    _, headers, _ = ask(guard.Guard(inside, "127.0.0.1", PAGES), path, host=host)
    assert headers["content-security-policy"] == "frame-ancestors 'self'"
    assert headers["x-frame-options"] == "SAMEORIGIN"
    assert headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("path", ["", "/gptviz"])
def test_nobody_learns_what_streamlit_counts(inside, path):
    door = guard.Guard(inside, "127.0.0.1", PAGES, base=path)
    assert ask(door, f"{path}/_stcore/metrics", host=HERE)[0] == 404
    assert not inside.came
    assert ask(door, f"{path}/_stcore/health", host=HERE)[0] == 200


@pytest.mark.parametrize("kind", ["http", "websocket"])
def test_a_name_that_leads_here_by_a_trick_is_refused_with_a_sentence(inside, kind, capsys):
    door = guard.Guard(inside, "127.0.0.1", PAGES)
    answer = ask(door, kind=kind, host="evil.example:8501", origin="http://evil.example:8501")
    told = (
        "“evil.example” is no name of this server, which answers to 127.0.0.1, localhost, ::1 "
        "only. If a proxy shows gptviz under that name, start it with: "
        "gptviz --allow-host evil.example"
    )
    if kind == "http":
        assert (answer[0], answer[2]) == (421, told)
    else:
        assert answer == [{"type": "websocket.close", "code": 1008}]
    assert not inside.came
    assert capsys.readouterr().err == f"gptviz: {told}\n"


@pytest.mark.parametrize(
    ("listens", "names", "host", "is_in"),
    [
        ("127.0.0.1", (), "127.0.0.1:8501", True),
        ("127.0.0.1", (), "LOCALHOST.:8501", True),
        ("::1", (), "[::1]:8501", True),
        ("127.0.0.1", (), "192.0.2.1:8501", False),
        ("127.0.0.1", (), None, False),
        ("127.0.0.1", (), "127.0.0.1:port", False),
        ("127.0.0.1", (), "evil@127.0.0.1", False),
        ("127.0.0.1", (), "127.0.0.1/evil.example", False),
        ("127.0.0.1", ("school.example",), "School.example", True),
        ("127.0.0.1", ("school.example",), "a.school.example", False),
        ("0.0.0.0", (), "anything.local:8501", True),
        ("0.0.0.0", ("school.example",), "anything.local", False),
        ("0.0.0.0", ("school.example",), "192.0.2.1:8501", True),
        ("0.0.0.0", ("school.example",), "[2001:db8::1]:8501", True),
        ("teacher.local", (), "teacher.local:8501", True),
    ],
)
def test_the_names_that_a_server_answers_to(inside, listens, names, host, is_in):
    headers = {} if host is None else {"host": host}
    status = ask(guard.Guard(inside, listens, PAGES, names), **headers)[0]
    assert status == (200 if is_in else 421)


@pytest.mark.parametrize(
    ("names", "host", "origin", "is_in"),
    [
        ((), HERE, f"http://{HERE}", True),
        ((), HERE, None, True),  # no browser
        ((), HERE, "http://evil.example", False),
        ((), HERE, "http://localhost:3000", False),
        ((), HERE, "null", False),
        # Behind a proxy that sets Host to the inner address, and behind one that does not.
        ((), HERE, "https://school.example", False),
        (("school.example",), HERE, "https://school.example", True),
        (("school.example",), "school.example", "https://school.example:8443", True),
        (("school.example",), HERE, "https://school.example.evil.example", False),
        (("school.example",), HERE, "https://evil.example", False),
        (("school.example",), "school.example", "https://evil.example", False),
    ],
)
def test_the_pages_that_may_talk_to_it(inside, names, host, origin, is_in, capsys):
    door = guard.Guard(inside, "127.0.0.1", PAGES, names)
    headers = {"host": host} if origin is None else {"host": host, "origin": origin}
    sent = ask(door, guard.STREAM, kind="websocket", **headers)
    assert sent == ([] if is_in else [{"type": "websocket.close", "code": 1008}])
    assert len(inside.came) == is_in
    assert bool(capsys.readouterr().err) != is_in
    for method, status in (("GET", 200), ("PUT", 200 if is_in else 403)):
        assert ask(door, "/_stcore/upload_file/a/b", method=method, **headers)[0] == status


def test_streamlit_finds_the_host_of_a_websocket_as_the_browser_calls_it(inside):
    door = guard.Guard(inside, "127.0.0.1", PAGES, ["school.example"])
    origin = "https://school.example:8443"
    ask(door, guard.STREAM, kind="websocket", host=HERE, origin=origin)
    assert dict(inside.came[0]["headers"]) == {
        b"host": b"school.example:8443",
        b"origin": origin.encode(),
    }


def test_a_page_whose_websocket_failed_learns_why(inside, capsys):
    door = guard.Guard(inside, "127.0.0.1", PAGES)
    ours, foreign = f"http://{HERE}", "https://school.example"
    assert ask(door, guard.STREAM, "POST", host=HERE, origin=ours)[::2] == (
        426,
        guard.NO_WEBSOCKET,
    )
    assert not capsys.readouterr().err  # a server that was just started again is no proxy
    status, _, words = ask(door, guard.STREAM, "POST", host=HERE, origin=foreign)
    assert status == 403
    assert words.endswith("gptviz --allow-host school.example")
    assert ask(door, guard.STREAM, host=HERE)[0] == 426  # as a proxy passes a websocket on
    told = capsys.readouterr().err.splitlines()
    assert told == [f"gptviz: {words}", f"gptviz: {guard.NOTE_OF_NO_WEBSOCKET}"]
    assert not inside.came


@pytest.mark.parametrize("path", ["", "/", "/attention", "/_stcore/health", "/static/js/x.js"])
def test_a_proxy_may_leave_its_path_in_the_address_or_take_it_out(inside, path):
    door = guard.Guard(inside, "127.0.0.1", PAGES, base="/gptviz")
    for asked in (f"/gptviz{path}", path or "/"):
        status, headers, _ = ask(door, asked, host=HERE, query="layer=2")
        if asked == "/gptviz":
            assert (status, headers["location"]) == (307, "/gptviz/?layer=2")
        else:
            assert status == 200
            assert inside.came.pop()["path"] == f"/gptviz{path or '/'}"


def test_a_slash_too_many_leads_to_the_page_wherever_a_proxy_shows_it(inside):
    door = guard.Guard(inside, "127.0.0.1", PAGES)
    status, headers, _ = ask(door, "/attention/", host=HERE, query="layer=2")
    assert (status, headers["location"]) == (307, "../attention?layer=2")


@pytest.mark.parametrize(
    ("path", "prefix", "is_told"),
    [
        ("/gptviz/", "/gptviz", True),
        ("/a/b/attention", "/a/b", True),
        ("/atention", "/atention", False),
        ("/robots.txt", "/robots.txt", False),
        ("/<b>\x1b[31m", "/?b???31m", False),
    ],
)
def test_where_there_is_no_page_a_sentence_says_so(inside, path, prefix, is_told, capsys):
    door = guard.Guard(inside, "127.0.0.1", PAGES)
    status, _, words = ask(door, path, host=HERE)
    assert status == 404
    assert words.endswith(f"gptviz --base-path {prefix}")
    assert capsys.readouterr().err == (f"gptviz: {words}\n" if is_told else "")


def test_a_browser_gets_the_sentence_as_a_page(inside):
    door = guard.Guard(inside, "127.0.0.1", PAGES)
    _, headers, page = ask(door, host="evil.example", accept="text/html,*/*")
    assert headers["content-type"] == "text/html; charset=utf-8"
    assert "<p>“evil.example” is no name of this server" in page


def test_no_stranger_fills_the_terminal_or_writes_commands_into_it(inside, capsys):
    door = guard.Guard(inside, "127.0.0.1", PAGES)
    for number in range(100):
        for _ in range(2):
            ask(door, host=f"\x1b[2J{number}{'x' * 5000}")
            ask(door, f"/{number}{'x' * 5000}/", host=HERE)
    told = capsys.readouterr().err
    assert len(told.splitlines()) == guard.NOTES
    assert max(map(len, told.splitlines())) < 400
    assert "\x1b" not in told


@pytest.mark.parametrize(
    ("typed", "name"),
    [("School.Example.", "school.example"), ("192.0.2.1", "192.0.2.1"), ("2001:db8::1",) * 2],
)
def test_a_name_is_compared_in_one_spelling(typed, name):
    assert hosts.host_name(typed) == name


@pytest.mark.parametrize("typed", ["gptviz", "/gptviz", "/gptviz/", "//gptviz//"])
def test_a_path_may_be_typed_with_or_without_slashes(typed):
    assert hosts.base_path(typed) == "/gptviz"
    assert hosts.base_path("/") == ""


@pytest.mark.parametrize(
    ("option", "value", "words"),
    [
        ("--allow-host", "https://school.example", "https://school.example is no name of a host"),
        ("--allow-host", "school.example:80", "it must be as in: school.example"),
        ("--allow-host", "", "is no name of a host"),
        ("--base-path", "/a/../b", "/a/../b is no path of an address; it must be as in: /gptviz"),
        ("--base-path", "/a b?", "/a?b? is no path of an address"),
    ],
)
def test_an_option_that_means_nothing_is_refused_in_a_sentence(option, value, words, capsys):
    with pytest.raises(SystemExit, match="2"):
        main(["app", option, value])
    assert words in capsys.readouterr().err


def test_several_names_may_be_allowed():
    said = parser().parse_args(["--allow-host", "a.example", "--allow-host", "B.example"])
    assert said.allow_host == ["a.example", "b.example"]
