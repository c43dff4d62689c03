"""The server behind the `gptviz` command: one process, one model in memory, many browsers."""

import errno
import gc
import os
import signal
import socket
import sys
import threading
import webbrowser
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import NoReturn
from urllib.parse import urlsplit

import uvicorn
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send
from streamlit.starlette import App
from streamlit.web.bootstrap import load_config_options

from gptviz import system
from gptviz.app import streamlit_quirks
from gptviz.app.pages import PAGES
from gptviz.disk_errors import in_words

APP = Path(__file__).parents[2] / "app.py"
LOOPBACK = ("127.0.0.1", "localhost", "::1")


def serve(host: str, port: int, open_browser: bool) -> NoReturn:
    """Serve the app until Ctrl-C or SIGTERM; then the process ends.

    Port 0 takes any free port. The address is printed when the first model is in memory.
    Raises FileNotFoundError if the pages are not installed, OSError or ValueError if the
    address cannot be used, each in one sentence.
    """
    if not APP.is_file():
        raise FileNotFoundError(
            f"there are no pages in {APP.parent}; install gptviz from a clone: pip install -e ."
        )
    for number in system.END_SIGNALS:
        signal.signal(number, _leave)
    with listen(host, port) as listener:
        url = address(host, listener.getsockname()[1])
        server = uvicorn.Server(
            uvicorn.Config(
                app(host),
                ws="websockets-sansio",
                ws_per_message_deflate=False,
                log_level="warning",
                timeout_graceful_shutdown=2,
            )
        )
        threading.Thread(target=warm_up, args=(url,), daemon=True).start()
        if open_browser and has_display():
            threading.Thread(target=webbrowser.open, args=(url,), daemon=True).start()
        with suppress(SystemExit):
            server.run(sockets=[listener])
        system.end(0 if server.started else 1)


def listen(host: str, port: int) -> socket.socket:
    """A socket that browsers can connect to at once; they are answered when the server runs.

    Raises ValueError for a port out of range, OSError if the address cannot be used.
    """
    if not 0 <= port < 65536:
        raise ValueError(f"port {port} does not exist; choose one from 1024 to 65535 with --port")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family, backlog=128)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            way_out = f"another program uses it; choose another, as in: gptviz --port {port + 1}"
        elif error.errno == errno.EACCES:
            way_out = "the system keeps it for itself; choose one above 1023 with --port"
        else:
            way_out = "that is no address of this machine; leave out --host to use 127.0.0.1"
        raise OSError(f"cannot listen on port {port} of {host}: {way_out}") from error
    # A click is a small message; without this, it may wait for the receipt of the one before.
    # Connections inherit it from the socket that accepts them.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def address(host: str, port: int) -> str:
    """What to type into a browser on this machine."""
    name = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    return f"http://[{name}]:{port}" if ":" in name else f"http://{name}:{port}"


def app(host: str) -> App:
    """The app, with .streamlit/config.toml beside app.py and what only the command knows."""
    # This tells Streamlit where the settings are, so it comes first.
    served = App(APP, routes=pages(), middleware=[Middleware(OwnPagesOnly)])
    load_config_options(
        {
            "server.address": host,
            "server.fileWatcherType": "none",
            # Without this, a page of another site whose name was made to point here could read
            # what is on the pages.
            "server.allowedHosts": list(LOOPBACK) if host in LOOPBACK else [],
        }
    )
    return served


def pages() -> list[Route]:
    """What a browser gets for the address of a page: Streamlit's own page, which knows more here.

    Under `streamlit run` it is sent as it is: then a browser that comes by a link to a page asks
    for two files which are not there, and says so in its console.
    """
    names = [Path(page.file).stem for page in PAGES.values() if page.file != APP.name]
    text = streamlit_quirks.page_of_the_app(names)

    async def page(request: Request) -> HTMLResponse:  # noqa: ARG001
        return HTMLResponse(text, headers={"Cache-Control": "no-cache"})

    return [Route(f"/{name}", page) for name in ("", *names)]


class OwnPagesOnly:
    """Refuses a websocket that a page of another site opens.

    Streamlit refuses it too, but first asks a host in the network for this machine's address.
    """

    def __init__(self, app: ASGIApp):
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = {name: value.decode("latin-1") for name, value in scope.get("headers", ())}
        origin = headers.get(b"origin")
        own = origin is None or urlsplit(origin).netloc == headers.get(b"host")
        if scope["type"] == "websocket" and not own:
            await send({"type": "websocket.close", "code": 1008})
        else:
            await self.app(scope, receive, send)


def has_display() -> bool:
    """Whether a browser can show a window; without one, a text browser may take the terminal."""
    return sys.platform != "linux" or any(map(os.environ.get, ("DISPLAY", "WAYLAND_DISPLAY")))


def warm_up(url: str) -> None:
    """Load the first model and look into it once; then print the address.

    This runs beside the server, which meanwhile sends the pages' frame to a browser.
    """
    import torch  # here and not above: this is what takes long

    # Half of the processor is left to the browsers. On two cores a second thread makes a run ten
    # times slower whenever something else wants one of them, and little quicker when not.
    torch.set_num_threads(max(1, torch.get_num_threads() // 2))
    try:
        _look_into_the_first_model()
    except (ValueError, OSError) as error:
        print(f"gptviz: {in_words(error)}", file=sys.stderr, flush=True)
    print(f"gptviz is ready: {url} (Ctrl-C ends it)", flush=True)


def _look_into_the_first_model() -> None:
    from gptviz import checkpoints
    from gptviz.app.examples import EXAMPLES
    from gptviz.app.look import look, model, trace
    from gptviz.journey import journey

    # What is imported by now stays, so collections need not look through it again.
    gc.freeze()
    for name in checkpoints.names()[:1]:
        lm = model(name)
        ids = tuple(lm.tokenizer.encode(EXAMPLES[0].text))
        look(journey, lm, trace(lm, ids))


def _leave(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
    raise SystemExit(0)
