"""axe-core, the rules of the Web Content Accessibility Guidelines as a program, on every page."""

import re
from pathlib import Path

import pytest

from gptviz.app.pages import LABS, PAGES

ROOT = Path(__file__).parents[2]
TABS = {
    page.name: re.findall(r'"([\w-]+)": Tab\(', (ROOT / page.file).read_text(encoding="utf-8"))
    for page in PAGES.values()
}
PATHS = {name: "/" if name == "overview" else f"/{name}" for name in PAGES}
RUN = """async () => {
  const { violations } = await axe.run()
  return violations.flatMap(({ id, nodes }) =>
    nodes.map(({ html, failureSummary }) => `${id}: ${html.slice(0, 200)} ${failureSummary}`))
}"""


@pytest.fixture(scope="module")
def axe() -> str:
    """The script; the package brings it along, so no other host is asked."""
    package = pytest.importorskip("axe_playwright_python")
    return (Path(package.__file__).parent / "axe.min.js").read_text(encoding="utf-8")


# Whether the page has been run, each picture that the browser draws itself is there, with the
# buttons that save it, and nothing fades any more.
DRAWN = """() => {
  const hosts = [...document.querySelectorAll("[data-testid=stBidiComponentIsolated]")]
  return hosts.every((host) => {
    const root = host.shadowRoot?.querySelector("div > div > :is(div, pre)")
    return !root || (root.hasChildNodes() && (!root.dataset.file || root.nextElementSibling))
  }) && document.getAnimations().every(({ playState }) => playState !== "running")
    && document.querySelector('[data-test-script-state="notRunning"]')
    && !document.querySelector('[data-stale="true"]')
}"""


def found(page, axe: str) -> list[str]:
    page.wait_for_function(DRAWN)
    page.evaluate(axe)
    if faults := page.evaluate(RUN):
        page.wait_for_function(DRAWN)  # a run that began meanwhile let the page fade
        faults = page.evaluate(RUN)
    return faults


@pytest.mark.parametrize("scheme", ["light", pytest.param("dark", marks=pytest.mark.thorough)])
@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=pytest.mark.thorough)
        if page.group == LABS and name != "one_layer"  # which are all built alike
        else name
        for name, page in PAGES.items()
    ],
)
def test_axe_finds_nothing(visit, axe, name: str, scheme: str):
    visitor = visit(color_scheme=scheme)
    query = {"run": "a-run"} if name == "training" else {"model": "tiny"}
    assert found(visitor.open(PATHS[name], **query), axe) == []


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("name", "tab"), [(name, tab) for name, tabs in TABS.items() for tab in tabs]
)
def test_axe_finds_nothing_in_any_tab(visit, axe, name: str, tab: str):
    visitor = visit()
    query = {"run": "a-run", "runs_tab": tab} if name == "training" else {"model": "tiny"}
    assert found(visitor.open(PATHS[name], **query, tab=tab), axe) == []


# In each picture with something to choose: what the tab key must come to.
CONTROLS = {
    "path": ("/", {}, ".path [role=button]"),
    "chips": ("/tokens", {}, ".root .token"),
    "heads": ("/attention", {}, ".heads button"),
    "square": ("/attention", {}, ".square button"),
    "lines": ("/attention", {"tab": "lines"}, ".lines button"),
    "painting": ("/attention", {"tab": "paint"}, ".painting button"),
    "explorer": ("/sampling", {}, ".explorer input, .explorer button"),
    "live chart": ("/training", {"run": "a-run"}, ".panels"),
}
# Whether what has the focus is one of these, and shows it: by an outline, or by a frame inside.
AT = """(selector) => {
  let part = document.activeElement
  while (part?.shadowRoot?.activeElement) part = part.shadowRoot.activeElement
  if (!part?.matches(selector)) return ""
  const frame = part.querySelector("rect")
  const shown = getComputedStyle(part).outlineStyle !== "none"
  const framed = frame && !/rgba\\(.*, 0\\)|transparent|none/.test(getComputedStyle(frame).stroke)
  return shown || framed ? "seen" : "not seen"
}"""


@pytest.mark.parametrize(
    "picture",
    [
        name if name in ("path", "heads") else pytest.param(name, marks=pytest.mark.thorough)
        for name in CONTROLS
    ],
)
def test_the_tab_key_comes_to_every_picture_and_shows_where_it_is(visit, picture: str):
    path, query, selector = CONTROLS[picture]
    visitor = visit()
    page = visitor.open(path, **query if "run" in query else {"model": "tiny", **query})
    page.locator(selector).first.wait_for()
    stops = []
    for _ in range(80):
        page.keyboard.press("Tab")
        stops.append(page.evaluate(AT, selector))
        if stops[-1]:
            break
    assert stops[-1] == "seen"
