"""The cookies by which a browser is known again: none can be made, changed or kept too long."""

import base64
import hashlib
import hmac
import re
import stat
import sys
import time

import itsdangerous
import pytest

from gptviz.app import cookies
from gptviz.app.cookies import BROWSER, TEACHER, Cookies

ID = "0123456789abcdef"


@pytest.fixture
def known() -> Cookies:
    return Cookies("a" * 64)


def value_of(header: str) -> str:
    return re.match(r"[^=]+=([^;]*)", header)[1]


def sent(of: Cookies, kind=BROWSER, says=ID) -> dict[str, str]:
    return {of.name(kind): value_of(of.made(kind, says))}


def test_a_cookie_says_what_it_was_made_for(known):
    assert known.said(BROWSER, sent(known)) == ID
    assert known.said(TEACHER, sent(known, TEACHER, "yes")) == "yes"


def test_the_header_hides_it_from_scripts_and_other_sites(known):
    header = known.made(BROWSER, ID, "/gptviz")
    name, *attributes = header.split("; ")
    assert name.startswith("gptviz-browser-")
    assert attributes == ["Path=/gptviz", "Max-Age=31536000", "HttpOnly", "SameSite=Lax"]
    assert known.made(BROWSER, ID, is_secret=True).endswith("; Secure")
    assert re.fullmatch(r"[\w.-]+", value_of(header), re.ASCII)


def test_without_a_cookie_nobody_is_known(known):
    assert known.said(BROWSER, {}) == known.said(BROWSER, {known.name(BROWSER): ""}) == ""


def test_a_cookie_of_another_secret_says_nothing(known):
    other = Cookies("b" * 64)
    assert other.name(BROWSER) != known.name(BROWSER)
    for kind in (BROWSER, TEACHER):
        foreign = {known.name(kind): value_of(other.made(kind, ID))}
        assert known.said(kind, foreign) == ""


def test_a_browser_s_cookie_does_not_make_it_the_teacher_s(known):
    own = value_of(known.made(BROWSER, "yes"))
    assert known.said(TEACHER, {known.name(TEACHER): own}) == ""


@pytest.mark.parametrize("kind", [BROWSER, TEACHER])
def test_an_old_cookie_says_nothing(known, monkeypatch, kind):
    value = sent(known, kind)
    now = itsdangerous.TimestampSigner("x").get_timestamp()
    for age, says in ((kind.seconds - 60, ID), (kind.seconds + 60, ""), (-60, "")):
        monkeypatch.setattr(
            itsdangerous.TimestampSigner, "get_timestamp", lambda _, age=age: now + age
        )
        assert known.said(kind, value) == says


def test_no_change_of_a_cookie_is_taken(known):
    ((name, value),) = sent(known).items()
    for i, sign in enumerate(value):
        other = "A" if sign != "A" else "Q"  # in base64 even the last sign holds bits that count
        assert known.said(BROWSER, {name: value[:i] + other + value[i + 1 :]}) == ""
    assert known.said(BROWSER, {name: value[:-1]}) == ""


def made_by_hand(says: str, key: bytes) -> str:
    """A cookie as its format is published, by whoever has only this key."""

    def plain(text: bytes) -> str:
        return base64.urlsafe_b64encode(text).rstrip(b"=").decode()

    body = f"{plain(says.encode())}.{plain(int(time.time()).to_bytes(4, 'big'))}"
    return f"{body}.{plain(hmac.new(key, body.encode(), hashlib.sha256).digest())}"


@pytest.mark.parametrize(
    "value",
    [
        ID,  # what stands with a run
        f'"{ID}"',
        made_by_hand(f'"{ID}"', ID.encode()),
        made_by_hand(f'"{ID}"', b""),
        "x" * 10**6,
        "." * 10**6,
        "안녕.é.ÿ",
        "\udcff\x00.a.b",
        "a.b.c\r\nSet-Cookie: gptviz-teacher=yes",
        "eyJ.e30.AAAA",
        "None",
    ],
    # Names of their own, for a value that tells the time has another one in each process.
    ids=["id", "json", "signed by id", "signed by nothing", "long", "dots", "letters", *"abcd"],
)
def test_what_a_stranger_makes_up_says_nothing(known, value):
    assert known.said(BROWSER, {known.name(BROWSER): value}) == ""


@pytest.fixture
def models(tmp_path, monkeypatch):
    monkeypatch.setenv("GPTVIZ_CHECKPOINTS", str(tmp_path / "models"))
    return tmp_path / "models"


def test_the_secret_is_made_once_and_is_nobody_else_s(models):
    first = cookies.secret()
    assert re.fullmatch(r"[0-9a-f]{64}", first)
    assert cookies.secret() == first
    if sys.platform != "win32":
        assert stat.S_IMODE((models / ".private").stat().st_mode) == 0o700
        assert stat.S_IMODE((models / ".private" / "secret").stat().st_mode) == 0o600
    assert cookies.secret() != cookies.new_secret() != cookies.new_secret()


def test_two_servers_that_start_at_once_have_one_secret(models, python):
    code = (
        "from concurrent.futures import ThreadPoolExecutor as Pool; from gptviz.app import cookies;"
        "print(len(set(Pool(8).map(lambda _: cookies.secret(), range(8)))))"
    )
    assert python(code, GPTVIZ_CHECKPOINTS=str(models)) == "1\n"


@pytest.mark.parametrize("left", [b"", b"abc", b"\xff" * 64])
def test_a_secret_that_a_full_disk_cut_off_is_made_anew(models, left):
    (models / ".private").mkdir(parents=True)
    (models / ".private" / "secret").write_bytes(left)
    made = cookies.secret()
    assert len(made) == 64
    assert cookies.secret() == made


def test_a_secret_that_cannot_be_kept_is_an_error_in_words(models):
    models.mkdir()
    (models / ".private").write_text("in the way")
    with pytest.raises(OSError, match=r"\.private"):
        cookies.secret()
