"""Behind the guard: gives every browser its cookie, and tells the app who comes.

A run has an owner, and that is a browser: the app trusts two headers that say which one comes and
whether it may do all. They are written here, and those that come from outside are thrown away.
"""

import hmac
import ipaddress
import secrets
import sys
import threading
from collections.abc import Collection, Sequence
from dataclasses import replace
from urllib.parse import unquote_plus

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import cookie_parser
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gptviz.app import visitors
from gptviz.app.cookies import BROWSER, TEACHER, Cookies, Kind
from gptviz.app.guard import refused
from gptviz.app.hosts import LOOPBACK, named
from gptviz.app.visitors import Rules, Visitor

UPLOADS = "/_stcore/upload_file/"
KEY = "teacher"  # of the address
LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # none of which is taken for another
WRONG_WORD = (
    "This word opens no teacher's browser: each does so once. The one that is good now stands in "
    "the terminal in which gptviz was started."
)
NO_UPLOADS = "Texts of your own are switched off in this class; ask the teacher to allow them."


class Word:
    """The word that makes a browser the teacher's: good for one, and then there is another.

    url: the app, as a browser on this machine opens it; others: as those in its network do.
    """

    def __init__(self, url: str = "", others: Sequence[str] = ()) -> None:
        self._lock = threading.Lock()
        self._urls = list(dict.fromkeys([url, *others[:1]]))
        self.now = _new_word()

    def spend(self, typed: str) -> bool:
        """Whether this is the word, which is then no longer good; any other takes as long."""
        with self._lock:
            is_it = hmac.compare_digest(self.now.encode(), typed.strip().lower().encode())
            if is_it:
                self.now = _new_word()
            return is_it

    def links(self) -> list[str]:
        """What the teacher opens: on this machine, and on another one if that can come."""
        return [f"{url.removesuffix('/')}/?{KEY}={self.now}" for url in self._urls]

    def told(self) -> str:
        """The same in words."""
        return " or, from another machine, ".join(self.links())


class Reception:
    """Stands between the guard and the app.

    pages: the paths of the pages below the base, which is empty or as /gptviz.
    """

    def __init__(
        self,
        app: ASGIApp,
        cookies: Cookies,
        word: Word,
        pages: Collection[str],
        rules: Rules,
        base: str = "",
    ):
        self.app, self.cookies, self.word, self.rules = app, cookies, word, rules
        self.path = base or "/"
        self.pages = frozenset(f"{base}{page}" for page in ("/", *pages))
        self._uploads = f"{base}{UPLOADS}"
        self._was_warned = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        answer = None
        if scope["type"] == "http" and scope["path"].startswith(self._uploads):
            answer = self._without_uploads(scope)
        elif scope["type"] == "http" and scope["method"] == "GET" and scope["path"] in self.pages:
            answer = self._as_teacher(scope)
            send = self._with_cookie(scope, send)
        await (answer or self.app)(self._announced(scope), receive, send)

    def visitor(self, scope: Scope) -> Visitor:
        """Who asks."""
        sent = _cookies(scope)
        browser = Visitor(self.cookies.said(BROWSER, sent))
        is_teacher = bool(self.cookies.said(TEACHER, sent))
        return replace(browser, is_trusted=is_teacher or self._is_at_this_machine(scope))

    def _is_at_this_machine(self, scope: Scope) -> bool:
        if not self.rules.trusts_this_machine:
            return False
        host = named(Headers(scope=scope).get("host", ""))
        return host in LOOPBACK and _is_loopback(scope.get("client"))

    def _announced(self, scope: Scope) -> Scope:
        headers = MutableHeaders(scope=scope)
        visitor = self.visitor(scope)
        headers[visitors.ID] = visitor.id  # in place of what somebody else wrote there
        headers[visitors.TRUSTED] = "yes" if visitor.is_trusted else "no"
        return {**scope, "headers": headers.raw}

    def _without_uploads(self, scope: Scope) -> Response | None:
        limits = self.rules.limits
        if limits is None or limits.uploads or self.visitor(scope).is_trusted:
            return None
        return PlainTextResponse(NO_UPLOADS, 403)

    def _as_teacher(self, scope: Scope) -> Response | None:
        """The way on for who comes with the teacher's word, which leaves the address."""
        asked = scope["query_string"].decode("latin-1").split("&")
        rest = [pair for pair in asked if unquote_plus(pair.partition("=")[0]) != KEY]
        if len(rest) == len(asked):
            return None
        typed = next(pair for pair in asked if pair not in rest).partition("=")[2]
        onward = RedirectResponse(f"{scope['path']}{'?' if rest else ''}{'&'.join(rest)}", 303)
        if self.cookies.said(TEACHER, _cookies(scope)):
            return onward
        if not self.word.spend(unquote_plus(typed)):
            self._warn()
            return refused(403, WRONG_WORD, Headers(scope=scope))
        print(f"A teacher's browser was opened. Another opens: {self.word.told()}", flush=True)
        onward.headers.append("set-cookie", self._cookie(scope, TEACHER, "yes"))
        return onward

    def _warn(self) -> None:
        if not self._was_warned:
            self._was_warned = True
            words = "gptviz: somebody came with a teacher's word that is wrong or was used before"
            print(words, file=sys.stderr, flush=True)

    def _with_cookie(self, scope: Scope, send: Send) -> Send:
        """Send the browser's cookie along, a new one to a browser that has none."""
        known = self.cookies.said(BROWSER, _cookies(scope)) or secrets.token_hex(8)

        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.append("set-cookie", self._cookie(scope, BROWSER, known))
                headers["cache-control"] = "private, no-cache"
            await send(message)

        return sent

    def _cookie(self, scope: Scope, kind: Kind, says: str) -> str:
        return self.cookies.made(kind, says, self.path, is_secret=scope.get("scheme") == "https")


def _cookies(scope: Scope) -> dict[str, str]:
    return cookie_parser(Headers(scope=scope).get("cookie", ""))


def _is_loopback(client: tuple[str, int] | None) -> bool:
    try:
        address = ipaddress.ip_address(client[0] if client else "")
    except ValueError:  # a socket in the file system, or a name
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback


def _new_word() -> str:
    return "-".join("".join(secrets.choice(LETTERS) for _ in range(4)) for _ in range(3))
