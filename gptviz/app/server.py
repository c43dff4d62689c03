"""The server behind the `gptviz` command: one process, one model in memory, many browsers."""

import gc
import os
import signal
import socket
import sys
import threading
import webbrowser
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import NoReturn

import uvicorn
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import Route
from starlette.types import ASGIApp
from streamlit.starlette import App
from streamlit.web.bootstrap import load_config_options

from gptviz import system
from gptviz.app import (
    cookies,
    descriptors,
    invitation,
    network,
    outbox,
    shortcuts,
    streamlit_quirks,
    uploads,
    visitors,
)
from gptviz.app.cookies import Cookies
from gptviz.app.guard import Guard
from gptviz.app.hosts import LOOPBACK
from gptviz.app.invitation import Invitation
from gptviz.app.limits import Limits
from gptviz.app.listening import address, listen
from gptviz.app.pages import PAGES
from gptviz.app.reception import Reception, Word
from gptviz.app.visitors import ALONE, Rules
from gptviz.disk_errors import in_words

APP = Path(__file__).parents[2] / "app.py"


def serve(
    host: str,
    port: int,
    open_browser: bool,
    names: Sequence[str] = (),
    base: str = "",
    limits: Limits | None = None,
    listening: int | None = None,
) -> NoReturn:
    """Serve the app until Ctrl-C or SIGTERM; then the process ends.

    Port 0 takes any free port. names and base are what a proxy before it adds: what it is called
    there, and the path under which it is shown, as /gptviz. limits are those of a class. listening
    is the descriptor of a socket behind nginx, which listens at host and port (see processes). The
    address is printed when the first model is in memory. Raises FileNotFoundError if the pages are
    not installed, OSError or ValueError if the address cannot be used, each in one sentence.
    """
    if not APP.is_file():
        raise FileNotFoundError(
            f"there are no pages in {APP.parent}; install gptviz from a clone: pip install -e ."
        )
    for number in system.END_SIGNALS:
        signal.signal(number, _leave)
    descriptors.make_room()
    if listening is None:
        listener = listen(host, port)
        port = listener.getsockname()[1]
    else:
        listener = socket.socket(fileno=listening)
        threading.Thread(target=_leave_with_stdin, daemon=True).start()
    with listener:
        url = address(host, port) + (base and f"{base}/")
        others = network.urls(host, port, base) if host not in LOOPBACK else []
        rules = rules_of(host, names, base, limits)
        word = Word(url, others) if rules.is_shared else None
        server = uvicorn.Server(
            uvicorn.Config(
                app(host, names, base, port, rules, word),
                loop="gptviz.app.loop:new",
                ws=outbox.Socket,
                ws_per_message_deflate=False,
                log_level="warning",
                timeout_graceful_shutdown=2,
            )
        )
        threading.Thread(target=warm_up, args=(url, others, word), daemon=True).start()
        if open_browser and has_display():
            opened = word.links()[0] if word else url
            threading.Thread(target=webbrowser.open, args=(opened,), daemon=True).start()
        with suppress(SystemExit):
            server.run(sockets=[listener])
        system.end(0 if server.started else 1)


def rules_of(host: str, names: Sequence[str], base: str, limits: Limits | None) -> Rules:
    """What holds for those who come to a server that was started like this."""
    behind_proxy = bool(names or base)
    return Rules(
        is_shared=host not in LOOPBACK or behind_proxy or limits is not None,
        trusts_this_machine=not behind_proxy and limits is None,
        limits=limits,
    )


def app(
    host: str,
    names: Sequence[str] = (),
    base: str = "",
    port: int = 0,
    rules: Rules = ALONE,
    word: Word | None = None,
) -> Guard:
    """The app, with .streamlit/config.toml beside app.py and what only the command knows.

    word makes a browser the teacher's; None where nobody but this machine can come.
    """
    streamlit_quirks.distrust()
    streamlit_quirks.hear_to_the_end()
    streamlit_quirks.go_back_as_by_a_link()
    descriptors.give_back_loops()
    shortcuts.settle()
    outbox.settle()
    uploads.bound()
    visitors.settle(rules)
    addresses = [Path(page.file).stem for page in PAGES.values() if page.file != APP.name]
    # This tells Streamlit where the settings are, so it comes first.
    invited = Route(f"{base}/{invitation.NAME}", Invitation(host, port, base).answer)
    served: ASGIApp = App(APP, routes=[*pages(addresses, base), invited])
    load_config_options(
        {
            "logger.enableRich": False,  # so that what is said of an error passes the filters
            "server.address": host,
            "server.baseUrlPath": base,
            "server.fileWatcherType": "none",
            # Without this, a page of another site whose name was made to point here could read
            # what is on the pages. The guard says so first, and in words.
            "server.allowedHosts": [*LOOPBACK, *names] if host in LOOPBACK else [],
        }
    )
    paths = [f"/{name}" for name in addresses]
    if word:
        served = Reception(served, Cookies(_secret()), word, paths, rules, base)
    return Guard(served, host, [*paths, f"/{invitation.NAME}"], names, base)


def _secret() -> str:
    """What signs the cookies of this server; one for this start alone if it cannot be kept."""
    try:
        return cookies.secret()
    except (OSError, ValueError) as error:
        print(
            f"gptviz: {in_words(error)}; until then, whose run is whose is forgotten when the "
            f"server ends",
            file=sys.stderr,
            flush=True,
        )
        return cookies.new_secret()


def pages(addresses: Sequence[str], base: str) -> list[Route]:
    """What a browser gets for the address of a page: Streamlit's own page, which knows more here.

    Under `streamlit run` it is sent as it is: then a browser that comes by a link to a page asks
    for two files which are not there, and says so in its console.
    """
    text = streamlit_quirks.page_of_the_app(addresses)

    async def page(request: Request) -> HTMLResponse:  # noqa: ARG001
        return HTMLResponse(text, headers={"Cache-Control": "no-cache"})

    return [Route(f"{base}/{name}", page) for name in ("", *addresses)]


def has_display() -> bool:
    """Whether a browser can show a window; without one, a text browser may take the terminal."""
    return sys.platform != "linux" or any(map(os.environ.get, ("DISPLAY", "WAYLAND_DISPLAY")))


def warm_up(url: str, others: Sequence[str] = (), word: Word | None = None) -> None:
    """Load the first model and look into it once; then print the address.

    others: the addresses for those who are not at this machine; word: the teacher's. This runs
    beside the server, which meanwhile sends the pages' frame to a browser.
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
    if word:
        print(f"The teacher opens, once: {word.told()}", flush=True)
    if others:
        _show_everybody(others)


def _show_everybody(urls: Sequence[str]) -> None:
    """Print what a class types, and in a terminal what it photographs."""
    print(f"Others in the same network open: {' or '.join(urls)}", flush=True)
    if sys.stdout.isatty():
        print(network.qr_in_a_terminal(urls[0], in_colour="TERM" in os.environ), flush=True)


def _look_into_the_first_model() -> None:
    from gptviz import checkpoints
    from gptviz.app.examples import EXAMPLES
    from gptviz.app.look import look, model, trace
    from gptviz.journey import journey

    # What is imported by now stays, so collections need not look through it again.
    gc.freeze()
    # An answer makes thousands of objects, nearly all of which go with it; Python's own numbers,
    # made for less, would look through all of them several times.
    gc.set_threshold(20_000, 50, 100)
    for name in checkpoints.names()[:1]:
        lm = model(name)
        ids = tuple(lm.tokenizer.encode(EXAMPLES[0].text))
        look(journey, lm, trace(lm, ids))


def _leave_with_stdin() -> None:
    """Send this process what ends it when the one that started it is gone."""
    sys.stdin.read()
    signal.raise_signal(signal.SIGTERM)


def _leave(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
    raise SystemExit(0)
