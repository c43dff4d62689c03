"""Who comes, as the app is told: by the cookies that are given here, and by nothing else."""

import re
from contextlib import suppress
from http.cookies import SimpleCookie

import pytest

from gptviz.app import visitors
from gptviz.app.cookies import BROWSER, TEACHER, Cookies
from gptviz.app.limits import Limits
from gptviz.app.reception import NO_UPLOADS, WRONG_WORD, Reception, Word
from gptviz.app.visitors import Rules, Visitor

HERE = "127.0.0.1:8501"
LAN = ("192.168.1.20", 50000)
UPLOAD = "/_stcore/upload_file/session/file"


class App:
    """Answers "in", and keeps whom it was told of."""

    def __init__(self):
        self.came: list[Visitor] = []

    async def __call__(self, scope, _, send):
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        self.came.append(visitors.announced(headers))
        if scope["type"] == "http":
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b"in"})


class Browser:
    """Asks a reception, and keeps its cookies."""

    def __init__(self, door: Reception, client=LAN, host="192.168.1.7:8501", base=""):
        self.door, self.client, self.host, self.base = door, client, host, base
        self.jar: dict[str, str] = {}

    def ask(self, path="/", query="", kind="http", method="GET", **headers: str):
        """The status, the headers and the words of the answer."""
        headers = {"host": self.host, **headers}
        if self.jar and "cookie" not in headers:
            headers["cookie"] = "; ".join(f"{name}={value}" for name, value in self.jar.items())
        scope = {
            "type": kind,
            "method": method,
            "path": self.base + path,
            "query_string": query.encode(),
            "client": self.client,
            "headers": [(k.encode(), v.encode("utf-8")) for k, v in headers.items()],
        }
        sent = []

        async def send(message):
            sent.append(message)

        with suppress(StopIteration):  # nothing is waited for, so no event loop is needed
            self.door(scope, None, send).send(None)
        if kind == "websocket":
            return self.door.app.came[-1]
        start, *rest = sent
        told = [(k.decode(), v.decode()) for k, v in start["headers"]]
        for name, value in told:
            if name == "set-cookie":
                self.jar |= {key: one.value for key, one in SimpleCookie(value).items()}
        return start["status"], told, b"".join(part["body"] for part in rest).decode()

    def comes(self, **headers: str) -> Visitor:
        """Whom the app is told of when the browser connects."""
        return self.ask("/_stcore/stream", kind="websocket", **headers)


def reception(limits=None, base="", trusts_this_machine=False, secret="s" * 64) -> Reception:
    return Reception(
        App(),
        Cookies(secret),
        Word("http://127.0.0.1:8501"),
        ["/attention"],
        Rules(True, trusts_this_machine, limits),
        base,
    )


def test_a_browser_is_given_an_id_by_its_first_page_and_keeps_it():
    door = reception()
    first, second = Browser(door), Browser(door)
    for browser in (first, second):
        browser.ask("/")
        assert re.fullmatch(r"[0-9a-f]{16}", browser.comes().id)
    assert first.comes().id != second.comes().id
    known = first.comes()
    first.ask("/attention")
    assert first.comes() == known == Visitor(known.id, is_trusted=False)


def test_a_server_that_starts_again_knows_the_browser():
    browser = Browser(reception())
    browser.ask()
    known = browser.comes().id
    browser.door = reception()
    assert browser.comes().id == known
    browser.door = reception(secret="t" * 64)
    assert browser.comes().id == ""
    browser.ask()
    assert browser.comes().id not in ("", known)


def test_only_pages_give_cookies_and_no_proxy_may_keep_them():
    browser = Browser(reception(base="/gptviz"), base="/gptviz")
    for path, method in (("/static/x.js", "GET"), ("/_stcore/health", "GET"), ("/", "HEAD")):
        assert "set-cookie" not in dict(browser.ask(path, method=method)[1])
    told = dict(browser.ask("/attention")[1])
    assert "; Path=/gptviz; " in told["set-cookie"]
    assert "; HttpOnly; SameSite=Lax" in told["set-cookie"]
    assert told["cache-control"] == "private, no-cache"


@pytest.mark.parametrize("name", ["gptviz-visitor", "Gptviz-Visitor", "GPTVIZ-TRUSTED"])
@pytest.mark.parametrize("kind", ["http", "websocket"])
def test_nobody_says_for_himself_who_he_is(name, kind):
    browser = Browser(reception())
    browser.ask("/anything", kind=kind, **{name.lower(): "yes"})
    assert browser.door.app.came == [Visitor("", is_trusted=False)]


@pytest.mark.parametrize(
    "cookie", ["x" * 10**6, "=" * 10**5, ";" * 10**5, "gptviz=안녕", "a=\x00\r\nset-cookie: b"]
)
def test_no_cookie_that_was_made_up_does_anything(cookie):
    door = reception()
    for name in (door.cookies.name(BROWSER), door.cookies.name(TEACHER)):
        for sent in (cookie, f"{name}={cookie}"):
            browser = Browser(door)
            assert browser.comes(cookie=sent) == Visitor("", is_trusted=False)
            status, told, _ = browser.ask(cookie=sent)
            assert status == 200
            assert len(browser.jar) == 1, told


def test_the_word_makes_one_browser_the_teacher_s_and_leaves_the_address(capsys):
    door = reception()
    word = door.word.now
    teacher, other = Browser(door), Browser(door)
    status, told, _ = teacher.ask("/attention", f"layer=1&teacher={word}&prompt=a%20b%0d%0a")
    assert (status, dict(told)["location"]) == (303, "/attention?layer=1&prompt=a%20b%0d%0a")
    assert teacher.comes().is_trusted
    printed = capsys.readouterr().out
    assert word not in printed
    assert f"http://127.0.0.1:8501/?teacher={door.word.now}" in printed

    status, _, words = other.ask("/", f"teacher={word}")
    assert (status, words) == (403, WRONG_WORD)
    assert not other.comes().is_trusted
    # Who is the teacher already may come by any link.
    assert teacher.ask("/", f"teacher={word}")[0] == 303
    assert door.word.now in printed


@pytest.mark.parametrize("word", ["", "x" * 10**5, "안녕", "%00", "%ff", "TEACHER", "a=b=c"])
def test_no_other_word_opens_anything(word, capsys):
    door = reception()
    before = door.word.now
    browser = Browser(door)
    for _ in range(50):
        assert browser.ask("/", f"teacher={word}")[::2] == (403, WRONG_WORD)
    assert not browser.comes().is_trusted
    assert door.word.now == before
    told = capsys.readouterr()
    assert not told.out
    assert len(told.err.splitlines()) == 1
    assert len(told.err) < 200


def test_a_word_may_be_typed_in_capitals_and_is_no_short_one():
    word = Word()
    assert re.fullmatch(r"([a-z2-9]{4}-){2}[a-z2-9]{4}", word.now)
    assert word.spend(f" {word.now.upper()} ")
    assert len({Word().now for _ in range(100)}) == 100


def test_the_teacher_s_cookie_is_for_a_day_and_one_is_told_where_to_come_from_elsewhere():
    door = reception()
    browser = Browser(door)
    _, told, _ = browser.ask("/", f"teacher={door.word.now}")
    cookies = [value for name, value in told if name == "set-cookie"]
    assert any("gptviz-teacher" in one and "Max-Age=57600" in one for one in cookies)
    assert Word("http://10.0.0.2:1", ["http://10.0.0.2:1"]).told().count("http") == 1
    word = Word("http://127.0.0.1:8501/gptviz/", ["http://10.0.0.2:8501/gptviz/", "http://x"])
    assert word.told() == (
        f"http://127.0.0.1:8501/gptviz/?teacher={word.now} or, from another machine, "
        f"http://10.0.0.2:8501/gptviz/?teacher={word.now}"
    )


@pytest.mark.parametrize(
    ("trusts", "client", "host", "is_trusted"),
    [
        (True, ("127.0.0.1", 5), HERE, True),
        (True, ("::1", 5), "[::1]:8501", True),
        (True, ("::ffff:127.0.0.1", 5), "localhost:8501", True),
        (True, LAN, HERE, False),  # a name that anybody can write
        (True, ("127.0.0.1", 5), "school.example", False),  # a proxy that nobody told of
        (True, None, HERE, False),
        (True, ("a name", 0), HERE, False),
        (False, ("127.0.0.1", 5), HERE, False),  # a class, or behind a proxy
    ],
)
def test_who_sits_at_the_machine_may_do_all_unless_it_is_a_class(trusts, client, host, is_trusted):
    door = reception(trusts_this_machine=trusts)
    assert Browser(door, client, host).comes().is_trusted == is_trusted


@pytest.mark.parametrize(
    ("limits", "status"),
    [(None, 200), (Limits(uploads=True), 200), (Limits(), 403)],
)
def test_a_class_sends_no_files_unless_it_may(limits, status):
    door = reception(limits)
    visitor, teacher = Browser(door), Browser(door)
    answer = visitor.ask(UPLOAD, method="PUT")
    assert answer[0] == status
    assert status == 200 or answer[2] == NO_UPLOADS
    teacher.ask("/", f"teacher={door.word.now}")
    assert teacher.ask(UPLOAD, method="PUT")[0] == 200
