"""The real command, and a real browser that watches over every page it opens.

Chromium is the one on the path, or the program that $GPTVIZ_CHROMIUM names. Without one these
tests are skipped, and fail where CI=true: there, a skipped test would pass for a passed one.
"""

import os
import queue
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn
from urllib.parse import urlencode, urlsplit

import pytest

from gptviz import LanguageModel, checkpoints

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Dialog, Page

ROOT = Path(__file__).parents[2]
PATIENCE = 90  # seconds until a test gives up on a machine that is busy with something else
AT_HOME = {"127.0.0.1", "localhost"}
# A browser of its own accord asks for updates and the like; the tests watch what *pages* ask for.
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--process-per-site",
]


# What a server prints when all is well.
EXPECTED = ("gptviz is ready", "The teacher opens", "A teacher's browser was opened")
# What Chromium and Streamlit write into the console while there is no server.
NO_SERVER = ("ERR_CONNECTION_REFUSED", "No response received", "server is not responding")


class Server:
    """A server in a process of its own, and what it has printed so far."""

    url = ""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str]):
        self.process = subprocess.Popen(
            command,
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=ROOT,
        )
        self.printed: list[str] = []
        self._lines: queue.Queue[str | None] = queue.Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            self.printed.append(line)
            self._lines.put(line)
        self._lines.put(None)

    def wait_for(self, ready: str) -> None:
        """Wait for the line that tells the address."""
        while (line := self._lines.get(timeout=PATIENCE)) is not None:
            if found := re.search(ready, line):
                self.url = found[1]
                return
        raise AssertionError("the server ended before it was ready:\n" + "".join(self.printed))

    def stop(self, signal: int) -> int:
        """Send a signal; the exit code."""
        self.process.send_signal(signal)
        code = self.process.wait(PATIENCE)
        self._reader.join(PATIENCE)
        return code


StartServer = Callable[..., AbstractContextManager[Server]]


@pytest.fixture(scope="session")
def models(
    tmp_path_factory: pytest.TempPathFactory, tiny_lm: LanguageModel, finished_run: Path
) -> Path:
    """A bundled model, `tiny`, which has fewer layers and heads, and `a-run` with its past."""
    folder = tmp_path_factory.mktemp("models")
    shutil.copytree(finished_run, folder / "a-run")
    shutil.copytree(checkpoints.find_listed("shakespeare"), folder / "shakespeare")
    checkpoints.save(folder / "tiny", tiny_lm.model, tiny_lm.tokenizer)
    return folder


@pytest.fixture(scope="session")
def gptviz() -> list[str]:
    """The command, as installed beside this Python, or from the working tree."""
    script = Path(sys.executable).with_name("gptviz")
    command = [str(script)] if script.exists() else [sys.executable, "-m", "gptviz"]
    return [*command, "--no-browser"]


@pytest.fixture(scope="session")
def start_server(models: Path, gptviz: list[str]) -> StartServer:
    """Start a server, wait for the line that tells its address, and end it with the block."""

    @contextmanager
    def start(
        command: Sequence[str] = (*gptviz, "--port", "0"),
        ready: str = r"ready: (http://\S+)",
        **environment: str,
    ) -> Iterator[Server]:
        server = Server(command, {"GPTVIZ_CHECKPOINTS": str(models), **environment})
        try:
            if ready:
                server.wait_for(ready)
            yield server
        finally:
            server.process.kill()
            server.process.wait()

    return start


@pytest.fixture(scope="session")
def server(start_server: StartServer) -> Iterator[Server]:
    """One server for all the tests that leave it as it was."""
    with start_server() as running:
        yield running


@pytest.fixture
def fresh_server(start_server: StartServer) -> Iterator[Server]:
    """A server that nobody has asked for anything yet; name it before `visit`, to outlive it."""
    with start_server() as running:
        yield running


@pytest.fixture(scope="session")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator["Browser"]:
    """One Chromium a worker, with a profile on disk: it keeps Streamlit's script as compiled."""
    try:
        from playwright.sync_api import sync_playwright
    except ModuleNotFoundError:
        cannot_test("the package playwright is missing; get it with: pip install -e '.[test]'")
    program = os.environ.get("GPTVIZ_CHROMIUM") or shutil.which("chromium")
    if not program or not shutil.which(program):
        cannot_test(
            f"there is no browser at {program or 'chromium on the path'}; install Chromium, as "
            f"in `apt-get install chromium`, or name one in $GPTVIZ_CHROMIUM"
        )
    with sync_playwright() as playwright:
        profile = playwright.chromium.launch_persistent_context(
            tmp_path_factory.mktemp("profile"), executable_path=program, args=FLAGS
        )
        yield profile.browser
        profile.close()


@pytest.fixture(scope="session")
def expect(chromium: "Browser") -> Callable[..., object]:  # noqa: ARG001 - which brings it
    """Playwright's assertions, which wait until they are true."""
    from playwright.sync_api import expect

    expect.set_options(timeout=PATIENCE * 1000)
    return expect


def cannot_test(reason: str) -> NoReturn:
    """Skip the test, or let it fail in CI."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"browser tests: {reason}", pytrace=False)
    pytest.skip(f"browser tests: {reason}")


# Right after a click, the script may not run yet, and a page still seem to be finished.
WATCH = """() => {
  window.hasBegun = false
  const app = document.querySelector("[data-test-script-state]")
  const watch = new MutationObserver(() => {
    window.hasBegun = true
    watch.disconnect()
  })
  watch.observe(app, { attributes: true, attributeFilter: ["data-test-script-state"] })
}"""


class Contexts:
    """Profiles of one browser that visitors take in turn: each keeps what it has loaded.

    A new one would read all of Streamlit's script again, which takes longer than most tests.
    """

    def __init__(self, browser: "Browser"):
        self.browser = browser
        self.free: dict[str, list[BrowserContext]] = {repr({}): browser.contexts[:1]}

    def take(self, **settings: object) -> "BrowserContext":
        free = self.free.setdefault(repr(settings), [])
        context = free.pop() if free else self.browser.new_context(**settings)
        context.set_default_timeout(PATIENCE * 1000)
        return context

    def give_back(self, context: "BrowserContext", **settings: object) -> None:
        """Let the next visitor have a profile that remembers nothing of this one."""
        for page in context.pages:
            if page.url == "about:blank":
                continue  # while one is open, the process that has read the script lives on
            with suppress(Exception):  # a page that is being left has no storage to clear
                page.evaluate("localStorage.clear(), sessionStorage.clear()")
            page.close()
        context.clear_cookies()
        context.clear_permissions()
        self.free[repr(settings)].append(context)


class Visitor:
    """A person at a browser of their own, and everything that went wrong since they came."""

    def __init__(self, contexts: Contexts, server: Server, **settings: object):
        size = settings.pop("viewport", {"width": 1280, "height": 900})
        scheme = settings.pop("color_scheme", None)
        motion = settings.pop("reduced_motion", "reduce")
        self.contexts, self.settings = contexts, settings
        self.context = contexts.take(**settings)
        self.server = server
        self.already_printed = len(server.printed)
        self.asked: list[str] = []
        self.wrong: list[str] = []
        self.may_find_no_server = False  # then a closed door may be told in the console, too
        self.ears: dict[str, Callable[..., None]] = {
            "request": lambda request: self.asked.append(request.url),
            "console": self._hear,
            "weberror": lambda error: self.wrong.append(f"script error: {error.error}"),
            "dialog": self._dismiss,
        }
        for event, hear in self.ears.items():
            self.context.on(event, hear)
        self.page = self.context.new_page()
        self.page.set_viewport_size(size)
        self.page.emulate_media(color_scheme=scheme, reduced_motion=motion)
        self.page.on("websocket", lambda socket: self.asked.append(socket.url))

    def leave(self) -> None:
        """Close what is open, and let another visitor have the profile."""
        for event, hear in self.ears.items():
            self.context.remove_listener(event, hear)
        self.contexts.give_back(self.context, **self.settings)

    def _hear(self, message: "ConsoleMessage") -> None:
        refused = self.may_find_no_server and any(words in message.text for words in NO_SERVER)
        if message.type == "error" and not refused:
            self.wrong.append(f"console error: {message.text}")

    def _dismiss(self, dialog: "Dialog") -> None:
        self.wrong.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def open(self, path: str = "/", **query: object) -> "Page":
        """Open a page and wait until it is finished."""
        self.page.goto(f"{self.server.url}{path}{'?' if query else ''}{urlencode(query)}")
        self.page.get_by_role("heading", level=1).wait_for()
        self.settle()
        return self.page

    def settle(self) -> None:
        """Wait until the script behind the page has run."""
        done = '[data-test-connection-state="CONNECTED"][data-test-script-state="notRunning"]'
        self.page.locator(done).wait_for(state="attached")
        # Parts of Streamlit's own script arrive later; until then, grey bars hold their places.
        self.page.wait_for_function("!document.querySelector('[data-testid=stSkeleton]')")

    def rerun(self, act: Callable[[], object]) -> None:
        """Do what makes the page's script run, and wait until it has run for that."""
        self.page.evaluate(WATCH)
        act()
        self.page.wait_for_function("window.hasBegun")
        self.settle()

    def complaints(self) -> list[str]:
        """What no page may do: ask another host, log an error, show or print a traceback."""
        foreign = [
            f"request to another host: {url}"
            for url in self.asked
            if urlsplit(url).scheme not in {"data", "blob"}
            and urlsplit(url).hostname not in AT_HOME
        ]
        exceptions = self.page.get_by_test_id("stException").all_inner_texts()
        printed = self.server.printed[self.already_printed :]
        return [
            *foreign,
            *self.wrong,
            *(f"on the page: {text}" for text in exceptions),
            *(
                f"in the terminal: {line}"
                for line in printed
                if line.strip() and not any(words in line for words in EXPECTED)
            ),
        ]


@pytest.fixture(scope="session")
def contexts(chromium: "Browser") -> Contexts:
    """The profiles that this worker's visitors take in turn."""
    return Contexts(chromium)


@pytest.fixture
def visit(
    contexts: Contexts, server: Server, tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[Callable[..., Visitor]]:
    """New visitors of the server, or of another one; at the end, none may have complaints."""
    visitors: list[Visitor] = []

    def come(at: Server = server, **settings: object) -> Visitor:
        visitors.append(Visitor(contexts, at, **settings))
        return visitors[-1]

    yield come
    complaints = [complaint for visitor in visitors for complaint in visitor.complaints()]
    failed = complaints or request.node.stash.get(FAILED, False)
    for number, visitor in enumerate(visitors):
        if failed:
            picture = tmp_path / f"visitor-{number}.png"
            visitor.page.screenshot(path=picture, full_page=True)
            print(f"{visitor.page.url}: {picture}")
        visitor.leave()
    assert not complaints, "\n".join(complaints)


FAILED = pytest.StashKey[bool]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    report = yield
    if report.when == "call":
        item.stash[FAILED] = report.failed
    return report


# As Streamlit loads a component: from a text that has no address of its own.
LOAD = """async ([name, js]) => {
  const module = await import(URL.createObjectURL(new Blob([js], { type: "text/javascript" })))
  globalThis[name] = (data, parentElement = document.body) =>
    module.default({ data, parentElement, setTriggerValue: () => {} })
}"""


@pytest.fixture
def page_with(chromium: "Browser") -> Iterator[Callable[..., "Page"]]:
    """A page with some HTML, on which each component can be called by the name it is given."""
    from gptviz.app import component

    pages: list[Page] = []

    def made(html: str, **scripts: Path) -> "Page":
        pages.append(chromium.new_page())
        pages[-1].set_content(html)
        for name, script in scripts.items():
            pages[-1].evaluate(LOAD, [name, component.bundled(script)])
        return pages[-1]

    yield made
    for page in pages:
        page.close()
