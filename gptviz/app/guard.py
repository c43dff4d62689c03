"""Who is let in: the names that the server answers to, and the pages that may talk to it.

Whatever is refused is told twice: to the browser, and once a name in the terminal.
"""

import html
import re
import sys
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gptviz.app.hosts import LOOPBACK, is_address, named, plain, shown

STREAM = "/_stcore/stream"  # the websocket that carries the pages
SECRET = ("/_stcore/metrics",)  # nobody here reads it, and it tells of everybody's sessions
# Beside the pages themselves: what Streamlit's own page asks for.
FILES = re.compile(r"/(_stcore|static|media|component|app)/.+|/(favicon\.png|manifest\.json)")
# No other site may show a page in a frame of its own, under which a click hits what is not seen;
# Streamlit's frames are of this site.
HEADERS = {
    "Content-Security-Policy": "frame-ancestors 'self'",
    "X-Frame-Options": "SAMEORIGIN",
    "X-Content-Type-Options": "nosniff",
}
NOTES = 20  # so many sentences the terminal gets; whoever tries more names fills no log

NO_WEBSOCKET = (
    "This page cannot get through to gptviz by a websocket. If a proxy stands between them, let it "
    "pass websockets on; the README of gptviz says how, for nginx and Caddy."
)
NOTE_OF_NO_WEBSOCKET = (
    "A proxy passes no websockets on, so pages stay blank in the browser; the README says how it "
    "can, for nginx and Caddy."
)


@dataclass(frozen=True)
class Refusal:
    """Why a request is not let in, for the browser and, where it is not empty, the terminal."""

    status: int
    words: str
    note: str = ""


class Guard:
    """Stands before the app and lets in who may come.

    listens: the address that the server listens on. names: what else it is called, as by a proxy
    before it. base: the path under which that proxy shows it, as /gptviz, or empty. pages: the
    paths of the pages below that, as /attention.
    """

    def __init__(
        self,
        app: ASGIApp,
        listens: str,
        pages: Collection[str],
        names: Iterable[str] = (),
        base: str = "",
    ):
        self.app = app
        self.names = frozenset(map(plain, names))
        self.base = base
        self.pages = frozenset(pages)
        self._is_open = listens not in LOOPBACK
        self._own = frozenset(map(plain, (*LOOPBACK, listens)))
        self._told: set[str] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        path, scope = self._inside(scope)
        headers = Headers(scope=scope)
        refusal = self.refusal(headers.get("host"), headers.get("origin"))
        if scope["type"] == "websocket":
            await self._connect(refusal, scope, receive, send)
            return
        asks_only = scope["method"] in ("GET", "HEAD", "OPTIONS")
        if refusal and refusal.status == 403 and asks_only:
            refusal = None  # the browser keeps the answer from a page of another site
        answer = self._answer(path, scope, headers, refusal)
        await (answer or self.app)(scope, receive, _with_headers(send))

    def refusal(self, host: str | None, origin: str | None) -> Refusal | None:
        """Why a request with these headers is not let in; None if it is.

        host: what the browser, or a proxy, calls this server. origin: the site whose page asks;
        None for whatever is no page.
        """
        called = named(host or "")
        if not called or not self.answers_to(called):
            known = ", ".join((*LOOPBACK, *sorted(self.names - set(LOOPBACK))))
            words = (
                f"“{called or '?'}” is no name of this server, which answers to {known} only. "
                f"If a proxy shows gptviz under that name, start it with: "
                f"gptviz --allow-host {called or 'NAME'}"
            )
            return Refusal(421, words, words)
        if origin is None or urlsplit(origin).netloc == host:
            return None
        site = named(urlsplit(origin).netloc)
        if site and site in self.names:
            return None
        words = (
            f"A page of “{site or '?'}” asked for something, and was refused. "
            f"If a proxy shows gptviz under that name, start it with: "
            f"gptviz --allow-host {site or 'NAME'}"
        )
        return Refusal(403, words, words)

    def answers_to(self, name: str) -> bool:
        """Whether this server may be called so.

        Any name leads to a server that is open to its network, unless it was told its names. An
        address is no way in for a page of another site, which comes by a name that points here.
        """
        if name in self._own or name in self.names:
            return True
        return self._is_open and (not self.names or is_address(name))

    def _inside(self, scope: Scope) -> tuple[str, Scope]:
        """The path below the base, and the request as if the proxy had left the base in it."""
        path = scope["path"]
        if not self.base:
            return path, scope
        if path == self.base or path.startswith(f"{self.base}/"):
            return path.removeprefix(self.base), scope
        return path, {**scope, "path": self.base + path}

    async def _connect(
        self, refusal: Refusal | None, scope: Scope, receive: Receive, send: Send
    ) -> None:
        if refusal:
            self._tell(refusal)
            await send({"type": "websocket.close", "code": 1008})
            return
        # Streamlit compares the two as well, and would ask a host in the network for this machine's
        # address before it lets in what it does not know.
        headers = MutableHeaders(scope=scope)
        if "origin" in headers:
            headers["host"] = urlsplit(headers["origin"]).netloc

        async def received() -> Message:
            message = await receive()
            # Pages speak in bytes; at a text, which none of them sends, Streamlit would break.
            is_text = message["type"] == "websocket.receive" and message.get("bytes") is None
            return {"type": "websocket.disconnect", "code": 1003} if is_text else message

        await self.app({**scope, "headers": headers.raw}, received, send)

    def _answer(
        self, path: str, scope: Scope, headers: Headers, refusal: Refusal | None
    ) -> Response | None:
        """What is answered without asking the app; None where it is asked."""
        if not refusal and path == "":
            return _moved(f"{self.base}/", scope)
        if not refusal and path.endswith("/") and path[:-1] in self.pages:
            return _moved(f"..{path[:-1]}", scope)
        refusal = refusal or self._elsewhere(path, scope["method"])
        if not refusal:
            return None
        self._tell(refusal)
        return refused(refusal.status, refusal.words, headers)

    def _elsewhere(self, path: str, method: str) -> Refusal | None:
        """Why there is nothing at a path; None if there is."""
        if path == STREAM:
            # A page asks for it like this to learn why its websocket failed. Any other request is
            # one for the websocket, of which a proxy took away what made it one.
            return Refusal(426, NO_WEBSOCKET, "" if method == "POST" else NOTE_OF_NO_WEBSOCKET)
        if path in SECRET:
            return Refusal(404, "There is nothing here.")
        if path in self.pages or path == "/" or FILES.fullmatch(path):
            return None
        prefix = next(
            (path.removesuffix(page) for page in ("/", *self.pages) if path.endswith(page)), ""
        )
        words = (
            f"There is no page {shown(path)} here; the pages begin at {self.base}/. If a proxy "
            f"shows gptviz under a path of its own, start it with: "
            f"gptviz --base-path {shown(prefix or path)}"
        )
        # Paths that only look like nothing, such as /robots.txt, are nobody's mistake.
        return Refusal(404, words, words if prefix else "")

    def _tell(self, refusal: Refusal) -> None:
        note = refusal.note
        if note and note not in self._told and len(self._told) < NOTES:
            self._told.add(note)
            print(f"gptviz: {note}", file=sys.stderr, flush=True)


def refused(status: int, words: str, headers: Headers) -> Response:
    """A refusal in words, as a page for a browser; headers are those of who asked."""
    if "text/html" in headers.get("accept", ""):
        return HTMLResponse(_as_page(words), status)
    return PlainTextResponse(words, status)


def _moved(to: str, scope: Scope) -> Response:
    query = scope["query_string"].decode("latin-1")
    return RedirectResponse(f"{to}{'?' if query else ''}{query}")


def _as_page(words: str) -> str:
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>gptviz</title>'
        '<meta name="viewport" content="width=device-width"><meta name="color-scheme" '
        'content="light dark"><style>body { font: 1.2rem/1.5 sans-serif; max-width: 36rem; '
        "margin: 4rem auto; padding: 0 1rem; overflow-wrap: anywhere }</style>"
        f"<h1>gptviz</h1><p>{html.escape(words)}</p></html>"
    )


def _with_headers(send: Send) -> Send:
    async def sent(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers[name] = value
        await send(message)

    return sent
