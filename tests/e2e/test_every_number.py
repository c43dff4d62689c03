"""Every number that a browser draws is the one that transformers and numpy give.

The accounts are those of tests/every_number. Here they are held against the texts of the page,
against what Plotly has made of its data, and each number that a picture of our own writes has to
be one of those that belong to it, rounded once.
"""

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import pytest
from accounts import VIEWS, failures
from accounts.common import Models, Read, saved
from accounts.reference import TEXT
from accounts.shown import NUMBER, WHERE, Page, agrees, flat, of_chart

# Tables are drawn on a canvas, and are not read here.
READ = """() => {
  const plain = (value) => ArrayBuffer.isView(value) || Array.isArray(value)
    ? Array.from(value, plain)
    : value
  const keyOf = (node) => [...(node.closest('[class*="st-key-"]')?.classList ?? [])]
    .find((name) => name.startsWith("st-key-"))?.slice(7) ?? ""
  const all = (selector) => [...document.querySelectorAll(selector)]
  const blocks = new Set(["P", "LI", "DETAILS", "SUMMARY", "DIV", "SPAN", "BR"])
  const words = (node) => {
    if (node.nodeType === Node.TEXT_NODE) return node.data
    if (node.tagName === "STYLE" || node.tagName === "SCRIPT") return ""
    const inside = [...node.childNodes, ...(node.shadowRoot?.childNodes ?? [])].map(words).join("")
    const item = node.tagName === "LI" && node.parentElement.tagName === "OL"
    const number = item ? `${[...node.parentElement.children].indexOf(node) + 1}. ` : ""
    return blocks.has(node.tagName) ? ` ${number}${inside} ` : inside
  }
  const isLabel = (node) => node.closest(
    "button, label, [role=tab], [data-testid=stWidgetLabel], [data-testid=stExpander], a, " +
      "[data-testid=stSlider]"
  )
  const kinds = ["MarkdownContainer", "CaptionContainer", "Html", "Code"]
  const texts = all(kinds.map((kind) => `[data-testid="st${kind}"]`).join())
    .filter((node) => !isLabel(node)).map(words)
  const fields = ["x", "y", "z", "text", "customdata"]
  const charts = all(".js-plotly-plot").map((drawn) => ({
    key: keyOf(drawn),
    data: drawn.data.map((trace, i) => {
      const arrays = fields.filter((field) => field in trace)
      const full = drawn._fullData[i]
      const made = Object.fromEntries(arrays.map((field) => [field, plain(full[field])]))
      const { array, arrayminus } = full.error_x ?? {}
      const bars = trace.error_x && { array: plain(array), arrayminus: plain(arrayminus) }
      return { name: trace.name, hovertemplate: trace.hovertemplate, ...made, error_x: bars }
    }),
    layout: JSON.parse(JSON.stringify(drawn.layout)),
    written: [...drawn.querySelectorAll(".heatmap-label, .bartext, .textpoint text")].map(words),
  }))
  const told = (root) => {
    const found = []
    for (const node of root.querySelectorAll("*")) {
      const own = [...node.childNodes].filter((child) => child.nodeType === Node.TEXT_NODE)
      if (node.tagName !== "STYLE") found.push(...own.map((child) => child.data))
      for (const name of ["aria-label", "title", "alt", "aria-valuetext"]) {
        if (node.hasAttribute(name)) found.push(node.getAttribute(name))
      }
      if (node.shadowRoot) found.push(...told(node.shadowRoot))
    }
    return found
  }
  const parts = ["Isolated", "Regular"].map((kind) => `[data-testid="stBidiComponent${kind}"]`)
  const pictures = all(parts.join())
    .map((node) => ({ key: keyOf(node), written: told(node.shadowRoot ?? node) }))
  return { texts, charts, pictures }
}"""
MOUNTED = """() => [...document.querySelectorAll(
  '[class*="st-key-path_"] [data-testid="stBidiComponentIsolated"]'
)].every((node) => node.shadowRoot?.querySelector("svg text, a, button"))"""
# These write no numbers of the model's, or nothing at all.
UNREAD = {"", "prompt_box", "theme_menu", "leave_presenter", "save", "explorer_logits"}


class Drawn(Page):
    """What a browser draws: texts, charts by their places, and what pictures write."""

    def __init__(self, found: dict[str, Any]):
        texts = [text for text in found["texts"] if NUMBER.search(text)]
        super().__init__([text for text in texts if not WHERE.search(text)], {})
        self.written: dict[str, list[str]] = {}
        for chart in found["charts"]:
            for place, value in of_chart(chart["key"], chart):
                if not isinstance(value, str) or NUMBER.search(value):
                    self.shown.setdefault(place, []).append(value)
            self.written[chart["key"]] = chart["written"]
        for picture in found["pictures"]:
            if picture["key"] not in UNREAD:
                self.written[picture["key"]] = picture["written"]

    def _wrong_places(self, expected: Any) -> Iterator[str]:
        drawn = {place: value for place, value in expected.items() if place in self.shown}
        yield from super()._wrong_places(drawn)
        for key, texts in self.written.items():
            own = [v for place, v in expected.items() if place.startswith(f"{key}.")]
            known = [*numbers(flat(own))]
            for text in texts:
                for match in NUMBER.finditer(text):
                    if not any(agrees(match, number) for number in known):
                        yield f"{key} writes {match[0]} in {text!r}, which is none of its numbers"


def numbers(values: Iterable[Any]) -> Iterator[float]:
    """All numbers among values, also those in labels."""
    for value in values:
        if isinstance(value, tuple):
            yield from numbers(value)
        elif isinstance(value, str):
            yield from (float(match["digits"].replace(",", "")) for match in NUMBER.finditer(value))
        elif isinstance(value, int | float | np.number):
            yield float(value)
        elif hasattr(value, "numbers"):
            yield from value.numbers.ravel().tolist()


@pytest.fixture(scope="module")
def odd(tmp_path_factory, tiktoken_alone) -> Models:
    return saved(tmp_path_factory.mktemp("odd"), tiktoken_alone)


@pytest.fixture(scope="module")
def odd_server(start_server, odd: Models):
    with start_server(GPTVIZ_CHECKPOINTS=str(odd.root)) as running:
        yield running


@pytest.fixture
def read(visit, odd_server) -> Read:
    def opened(
        page: str, _: Iterable[str] = (), press: Iterable[str] = (), **query: object
    ) -> Page:
        visitor = visit(odd_server)
        path = "/" if page == "overview" else f"/{page}"
        visitor.open(path, **{"model": "odd", "prompt": TEXT, **query})
        for label in press:
            visitor.rerun(visitor.page.get_by_role("button", name=label, exact=True).click)
        visitor.page.wait_for_function(MOUNTED)
        return Drawn(visitor.page.evaluate(READ))

    return opened


# One view of each page; the others are looked at with the thorough ones.
FIRST = {
    *("overview attention", "tokens side-by-side", "embeddings your-tokens", "attention lines"),
    *("layer_norms stream", "mlp units", "residual lens", "sampling stages", "patching heads"),
    *("what_if attention", "compare attention", "by_hand softmax"),
}


@pytest.mark.parametrize(
    "view", [v if v in FIRST else pytest.param(v, marks=pytest.mark.thorough) for v in VIEWS]
)
def test_every_number_drawn(read, odd, view: str):
    VIEWS[view](read, odd)


def test_every_number_drawn_of_a_failure(start_server, gptviz, visit, tmp_path):
    """Where nobody may train, the page Training shows no form, whose times are this machine's."""
    failures.gallery(tmp_path)
    command = [*gptviz, "--port", "0", "--classroom", "--no-training"]
    with start_server(command, GPTVIZ_CHECKPOINTS=str(tmp_path)) as running:
        visitor = visit(running)
        visitor.open("/training", runs_tab="failures", failure="too-little-data")
        visitor.page.wait_for_selector(".js-plotly-plot .main-svg")
        drawn = Drawn(visitor.page.evaluate(READ))
        assert {"failure_curves.0.y", "failure_curves.3.y"} <= drawn.shown.keys()
        drawn.holds(*failures.of("too-little-data"))
