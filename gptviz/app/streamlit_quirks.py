"""All that a new Streamlit may break: what the app needs of its inside, in one place.

Its documents promise none of this, so tests in a browser watch over it (tests/e2e/test_screens.py):
the names of its parts in the style sheets below, and, in streamlit_quirks.js,

- that it asks `matchMedia` for the system's theme, and asks again after a page was printed;
- that it remembers in the browser, as `stSidebarCollapsed-`, whether its sidebar is closed;
- that it takes its server's address from `window.__streamlit`.

`page_links` writes the messages that `st.page_link` writes (tests/app/test_page_links.py). That
looks for each page's file anew, which for all pages took a tenth of the time of an answer.
`distrust` leans on where it keeps what a browser sent (tests/e2e/test_distrust.py),
`hear_to_the_end` on where it ends a run (tests/app/test_heard.py), and `go_back_as_by_a_link` on
how it tells the way back (tests/e2e/test_way_back.py). `gptviz.app.shortcuts` and
`gptviz.app.outbox` lean on more, for speed alone.
"""

import html
import json
import logging
import os
import threading
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from streamlit import file_util
from streamlit.delta_generator import DeltaGenerator
from streamlit.elements.lib.layout_utils import create_layout_config
from streamlit.proto.ClientState_pb2 import ClientState
from streamlit.proto.PageLink_pb2 import PageLink
from streamlit.proto.WidgetStates_pb2 import WidgetState
from streamlit.runtime.app_session import AppSession
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.runtime.scriptrunner.script_runner import ScriptRunner
from streamlit.runtime.state.common import is_element_id
from streamlit.runtime.state.query_params import process_query_params
from streamlit.runtime.state.safe_session_state import SafeSessionState
from streamlit.runtime.state.session_state import (
    STREAMLIT_INTERNAL_KEY_PREFIX,
    Serialized,
    Value,
    WStates,
)

SCRIPT = Path(__file__).with_suffix(".js")

# Less air than Streamlit leaves, so that the main picture stands on the first screen; a sidebar
# that lies over a narrow page instead of squeezing it; Plotly's buttons above a chart, not on it.
# Captions, which Streamlit fades to a contrast of 3.7, can be read by all (4.5). A box for a long
# text asks for Ctrl+Enter, which it does not need: it is read when one leaves it.
STYLE = """<style>
.stMainBlockContainer { padding: 0.6rem 2rem 4rem; }
.stMainBlockContainer h1 { font-size: 1.4rem; line-height: 1.2; padding: 0; }
.stAppHeader { height: 2.25rem; min-height: 2.25rem; }
.stAppHeader, .stAppToolbar { background: transparent; pointer-events: none; }
.stAppHeader button { pointer-events: auto; }
.stSidebar [data-testid="stSidebarHeader"] { height: 2.25rem; margin-bottom: -1rem; }
.stSidebar h2 { font-size: 1.5rem; padding: 0 0 0.5rem; }
.stSidebar [data-testid="stCaptionContainer"] p { line-height: 1.35; }
.stSidebar [class*="st-key-pages_"] :is(details, summary, [data-testid="stExpanderDetails"]) {
  padding: 0; border: 0; background: transparent;
}
.stSidebar [class*="st-key-pages_"] summary { padding: 0.2rem 0.5rem; min-height: 0; }
.st-key-page_top { gap: 4px; }
.st-key-page_top [data-testid="stCaptionContainer"] p { line-height: 1.3; }
.st-key-page_head { gap: 0.1rem 1rem; }
.st-key-page_head [data-testid="stMarkdownContainer"] p { line-height: 1.3; }
.st-key-page_top [data-testid^="stBaseButton"] { min-height: 40px; padding-block: 0; }
.st-key-example button { min-height: 28px; height: 28px; padding-block: 0; }
.stTextArea [data-testid="InputInstructions"] { display: none; }
[data-testid="stCaptionContainer"] { opacity: 1; color: var(--gptviz-muted); }
[data-testid="stCaptionContainer"] code { font-size: 1em; }
.stMainBlockContainer h2 { font-size: 1.35rem; padding: 0.6rem 0 0.2rem; }
[class*="st-key-scroll_"] { overflow-x: auto; margin-top: -16px; }
[class*="st-key-scroll_"] .stElementContainer { max-width: none; }
[class*="st-key-scroll_"] > .stElementContainer { padding-top: 30px; }
.stPlotlyChart .js-plotly-plot { overflow: visible !important; }
.stPlotlyChart .modebar-container { top: -32px !important; }
@media (max-width: 1099.98px) {
  .stMainBlockContainer { padding: 0.5rem 1.25rem 4rem; }
  .stApp:has([data-testid="stExpandSidebarButton"]) .st-key-page_head { padding-left: 2.25rem; }
  .st-key-page_head [data-testid="stMarkdownContainer"] p { font-size: 16px; }
}
@media (max-width: 899.98px) {
  .st-key-example, .st-key-example .stButtonGroup { max-width: 100%; }
  .st-key-example [role="radiogroup"] {
    flex-wrap: nowrap; overflow-x: auto; scrollbar-width: none;
  }
  .st-key-example button { flex: none; padding-inline: 8px; }
}
@media (max-width: 640px) { .stMainBlockContainer { padding-inline: 1rem; } }
</style>"""

# Streamlit writes white on a button of the accent colour, which is light in the dark theme.
DARK_STYLE = """<style>
[data-testid^="stBaseButton-primary"]:not(:disabled) { color: #0e1117; }
</style>"""

# For the last row: everything 1.3 times as large, pictures too, and nothing that only explains.
# Plotly finds the point under the mouse in a page that is scaled, and not in one with a `zoom`.
# Streamlit draws charts and tables as wide as their frames look once scaled: these are narrower.
PRESENT_STYLE = """<style>
.stSidebar, .stAppHeader { display: none; }
.stMain [data-testid="stCaptionContainer"], .stMain [data-testid="stExpander"],
.stMain [class*="st-key-"][class*="_numbers"] { display: none; }
@media (min-width: 1000px) {
  .stMainBlockContainer {
    align-self: flex-start; width: calc(100% / 1.3); transform: scale(1.3); transform-origin: 0 0;
  }
  .stMain [data-testid="stFullScreenFrame"]:has(> .stPlotlyChart) { height: calc(100% / 1.3); }
  .stMain [data-testid="stFullScreenFrame"] { width: calc(100% / 1.3); }
}
</style>"""


def style(*, is_dark: bool, presents: bool) -> str:
    """The style sheet of a page."""
    return "".join([STYLE, DARK_STYLE if is_dark else "", PRESENT_STYLE if presents else ""])


def page_of_the_app(addresses: Sequence[str]) -> str:
    """The HTML that starts Streamlit in a browser, with streamlit_quirks.js before all of it.

    addresses: what the pages are called in the address.
    """
    shell = Path(file_util.get_static_dir(), "index.html").read_text(encoding="utf-8")
    pages = html.escape("|".join(addresses))
    script = SCRIPT.read_text(encoding="utf-8")
    return shell.replace("<head>", f'<head><script data-pages="{pages}">{script}</script>', 1)


def go_back_as_by_a_link() -> None:
    """Let the way back keep what is chosen, as the model, where Streamlit takes the default.

    It first takes out of the address what a control of the page before has in it.
    """
    ask = AppSession.request_rerun

    def ask_as_a_link(self: AppSession, state: ClientState | None) -> None:
        if state:
            state.is_history_navigation = False
        ask(self, state)

    setattr(AppSession, ask.__name__, ask_as_a_link)


def hear_to_the_end() -> None:
    """Let what a browser did be taken in whole before a run gives way to the next.

    Streamlit ends a superseded run even before it has heard what it was begun for, or in the middle
    of that: what was typed just before a click was lost.
    """
    hear, give_way = (
        SafeSessionState.on_script_will_rerun,
        ScriptRunner._maybe_handle_execution_control_request,
    )
    thread = threading.local()

    def hear_all(self: SafeSessionState, *given: Any, **named: Any) -> None:
        thread.hears = True
        try:
            hear(self, *given, **named)
        finally:
            thread.hears = False

    def give_way_then(self: ScriptRunner) -> None:
        if not getattr(thread, "hears", False):
            give_way(self)

    setattr(SafeSessionState, hear.__name__, hear_all)
    setattr(ScriptRunner, give_way.__name__, give_way_then)


def distrust() -> None:
    """Let a value that a browser sent be nothing, if it is of another kind than its control's.

    Streamlit hands on a number where a text belongs, and the page breaks at it with a traceback
    that tells of no mistake in it. Of what is no message at all, one line is logged.
    """
    for name, ours in (
        ("set_widget_from_proto", _set_widget_from_proto),
        ("__getitem__", _value_of_widget),
    ):
        setattr(WStates, name, ours)
    sockets = logging.getLogger("streamlit.web.server.starlette.starlette_websocket")
    sockets.addFilter(_without_traceback)


PLAIN_KINDS = frozenset(
    f"{kind}_value"
    for kind in ("bool", "int", "double", "string", "int_array", "double_array", "string_array")
)
_streamlits_own = WStates.__getitem__


def _is_foreign(states: WStates, sent: WidgetState) -> bool:
    """Whether a value is of another kind than its control's, as far as that is known."""
    kind = sent.WhichOneof("value") or ""
    if kind.startswith("json"):
        try:
            json.loads(getattr(sent, kind))
        except (ValueError, RecursionError):
            return True
    control = states.widget_metadata.get(sent.id)
    kinds = {control.value_type, kind} if control else set()
    return len(kinds) > 1 and not kinds.isdisjoint(PLAIN_KINDS)


def _set_widget_from_proto(states: WStates, sent: WidgetState) -> None:
    # What a component triggers is kept under a key of Streamlit's own.
    known = is_element_id(sent.id) or sent.id.startswith(STREAMLIT_INTERNAL_KEY_PREFIX)
    if known and not _is_foreign(states, sent):
        states[sent.id] = Serialized(sent)


def _value_of_widget(states: WStates, key: str) -> Any:
    kept = states.states.get(key)
    if isinstance(kept, Serialized):
        control = states.widget_metadata.get(key)
        if control and _is_foreign(states, kept.value):
            states.states[key] = Value(control.deserializer(None))  # as if nothing had been sent
    return _streamlits_own(states, key)


def _without_traceback(record: logging.LogRecord) -> bool:
    record.exc_info = None
    return True


def page_links(
    place: DeltaGenerator, links: Iterable[tuple[str, str]], query: Mapping[str, str]
) -> None:
    """Draw links to pages, as wide as the place: (name of the page's file, words) each."""
    context = get_script_run_ctx()
    assert context
    pages = {
        os.path.basename(page["script_path"]): page
        for page in context.pages_manager.get_pages().values()
    }
    layout, query_string = create_layout_config(width="stretch"), process_query_params(query)
    for file, words in links:
        page = pages[file]
        link = PageLink(
            label=words,
            page=page.get("url_pathname") or "",
            page_script_hash=page["page_script_hash"],
            query_string=query_string,
        )
        place._enqueue("page_link", link, layout_config=layout)
