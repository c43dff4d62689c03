"""What a page shows in numbers, by its place, beside what is expected there.

What is printed has to be the right number rounded once, to the digits that are shown; all that is
sent to be rounded where it is shown is whole.
"""

import base64
import html
import json
import math
import re
import struct
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import Block

NUMBER = re.compile(
    r"(?<![\w.])(?P<sign>[+−-]?)(?P<digits>\d+(?:,\d{3})*(?:\.\d+)?)(?P<power>e[+−-]?\d+)?"
    r"(?P<percent>\s?%)?(?![^\W²])"
)
WHERE = re.compile(
    r" in gptviz/\S+\.py, line \d+"
)  # the code of a picture, which another test runs
# What is sent and is no number of the model's: how a picture looks, and where its links lead.
LOOKS = {
    *("scheme", "colours", "behind", "ink", "width", "file", "signed", "amounts", "href", "accent"),
    *("marker", "line", "colorbar", "colorscale", "textfont", "hovertemplate", "xgap", "ygap"),
    *("zmin", "zmax", "opacity", "xaxis", "yaxis", "type", "mode", "textposition", "fillcolor"),
    *("texttemplate", "dash", "orientation", "cliponaxis", "scene", "thickness"),
    "number",  # by which a picture knows what was sent to it last
}
PLOTLY = re.compile(r"%\{[^}]*\}")  # what Plotly puts there, out of the trace
# How a setting is explained, in words that are fixed, and with its name in files.
ADVICE = re.compile(r"In files and commands: `\w+`\.$")
HEADS = "heads"  # where a table keeps what stands above columns in place of their names
WRITTEN = ".written"  # the place of what a picture computes and writes by itself in the browser
UNREAD = {"prompt_box", "theme_menu", "leave_presenter", "save", "go_on"}  # hold no numbers
CONTROLS = (
    *("button", "toggle", "checkbox", "text_input", "text_area", "selectbox", "pills"),
    *("number_input", "file_uploader", "page_link", "link_button", "download_button"),
)


@dataclass(frozen=True)
class Near:
    """Numbers that are sent in few steps, for a colour."""

    numbers: np.ndarray
    within: float


@dataclass
class Page:
    """What a page shows: texts with a number in them, and by their places numbers and labels."""

    said: list[str]
    shown: dict[str, list[Any]]

    def holds(self, *expected: tuple[Iterable[tuple], Mapping[str, Any]]) -> None:
        """Compare all of it; each text and each place once.

        Of a text, some of its words (or all, after ^) with {} in place of each number, and what
        these are; of a place, its numbers or labels. A label may be a tuple of the numbers in it.
        """
        said = [entry for texts, _ in expected for entry in texts]
        shown = {place: value for _, places in expected for place, value in places.items()}
        problems = [*self._wrong_words(said), *self._wrong_places(shown)]
        assert not problems, "\n".join(problems)

    def _wrong_words(self, expected: list[tuple]) -> Iterator[str]:
        for text in self.said:
            skeleton = NUMBER.sub("{}", text)
            found = [entry for entry in expected if says(skeleton, entry[0])]
            if not found:
                yield f"nothing is expected of the text {text!r}"
                continue
            expected.remove(entry := found[0])
            if wrong := compared(text, entry[1:]):
                yield f"{wrong} in {text!r}"
        yield from (f"no text says {entry[0]!r}" for entry in expected)

    def _wrong_places(self, expected: Mapping[str, Any]) -> Iterator[str]:
        for place in sorted(self.shown.keys() | expected.keys()):
            if place.endswith(WRITTEN):
                continue
            if place not in expected:
                yield f"nothing is expected of {place}: {str(self.shown[place])[:300]}"
            elif place not in self.shown:
                yield f"{place} is not shown"
            elif wrong := differs(self.shown[place], expected[place]):
                yield f"{place}: {wrong}"


def says(skeleton: str, words: str) -> bool:
    """Whether a text without its numbers has these words, or has no others."""
    if words.startswith("^"):
        return skeleton.strip() == words[1:]
    return words in skeleton


def compared(text: str, expected: Iterable[Any]) -> str:
    """What is wrong with the numbers of a text, or nothing; strings in it count as they are."""
    names = [each for each in expected if isinstance(each, str)]
    for name in names:
        if name not in text:
            return f"{name!r} is not there"
        text = text.replace(name, "", 1)
    numbers = [each for each in expected if not isinstance(each, str)]
    printed = list(NUMBER.finditer(text))
    if len(printed) != len(numbers):
        return f"{[match[0] for match in printed]} for {len(numbers)} numbers {numbers}"
    for match, number in zip(printed, numbers, strict=True):
        if not agrees(match, number):
            return f"{match[0]} for {number}"
    return ""


def agrees(match: re.Match[str], expected: Any) -> bool:
    """Whether a number is what was expected, rounded once to the digits that are printed."""
    digits = match["digits"].replace(",", "")
    power = float("1" + (match["power"] or "e0").replace("−", "-"))
    scale = power * (0.01 if match["percent"] else 1)
    sign = -1 if match["sign"] in ("−", "-") else 1
    value = sign * float(digits) * scale
    if callable(expected):
        return bool(expected(value))
    half = 0.5 * 10 ** -len(digits.partition(".")[2]) * scale
    exact = float(expected) == round(float(expected)) and "." not in digits
    slack = min(2e-6, half / 5) + 2e-5 * abs(expected)  # what float32 may have lost
    return abs(value - expected) <= (1e-9 if exact else half + slack)


def differs(found: list[Any], expected: Any) -> str:
    """How what is shown in a place differs from what is expected there, or nothing."""
    if isinstance(expected, Near):
        off = np.abs(np.ravel(found) - np.ravel(expected.numbers)).max()
        return f"off by {off}" if off > expected.within else ""
    expected = flat(expected)
    if len(found) != len(expected):
        return f"{len(found)} came for {len(expected)}: {found[:8]} for {expected[:8]}"
    for i, (one, right) in enumerate(zip(found, expected, strict=True)):
        if callable(right):
            if not right(one):
                return f"no. {i}: {one!r}"
        elif isinstance(one, str):
            wrong = compared(one, right) if isinstance(right, tuple) else one != right
            if wrong:
                return f"no. {i}: {one!r} for {right!r}"
        elif one is None or math.isnan(one) or math.isnan(right):
            if not (math.isnan(right) and (one is None or math.isnan(one))):
                return f"no. {i}: {one} for {right}"
        elif one != right and not abs(one - right) <= 3e-5 + 1e-4 * abs(right):
            return f"no. {i}: {one} for {right}"
    return ""


def flat(values: Any) -> list[Any]:
    """Numbers and labels in their order."""
    if isinstance(values, np.ndarray | range):
        return np.ravel(values).tolist()
    if not isinstance(values, list):
        return [values]
    return [one for each in values for one in flat(each)]


def collected(app: AppTest, tables: Mapping[str, pd.DataFrame]) -> Page:
    """All numbers of a page with these tables, and every text with one."""
    assert len(app.dataframe) == len(tables), [*tables]
    page = Page([], {})
    found = [of_element(element) for element in (*app.sidebar, *app.main)]
    for key, table in tables.items():
        found.append([(f"{key}.heads", head) for head in table.attrs.get(HEADS, ())])
        for column, values in table.items():
            found.append(leaves([plain(value) for value in values], f"{key}.{column}"))
    for values in found:
        for place, value in values:
            if isinstance(value, str) and (not NUMBER.search(value) or WHERE.search(value)):
                continue
            if place:
                page.shown.setdefault(place, []).append(value)
            else:
                page.said.append(value)
    return page


def of_element(element: Any) -> Iterator[tuple[str, Any]]:
    """What an element of the page shows, by its place; a text has none."""
    kind, key = element.type, getattr(element, "key", None)
    if not ADVICE.search(told := getattr(element.proto, "help", "")):
        yield f"{key}.help" if key else "", words(told)
    if kind == "plotly_chart":
        yield from of_chart(key, json.loads(element.proto.spec))
    elif kind == "bidi_component" and key not in UNREAD:
        sent = element.proto
        yield from of_bytes(key, sent.bytes) if sent.bytes else leaves(json.loads(sent.json), key)
    elif kind == "progress":
        yield from (("", words(element.proto.text)), ("progress", element.value))
    elif kind == "table":
        for column, values in element.value.reset_index().items():
            yield from leaves(values.tolist(), f"table.{column}")
    elif kind == "slider":
        ends = (element.min, element.max, element.value)
        yield from ((key, end) for end in ends)
    elif isinstance(element, Block):
        own = getattr(element.proto, kind, element.proto)
        yield "", words(getattr(own, "label", ""))
    elif kind in CONTROLS or hasattr(element, "options"):
        if kind == "number_input" and element.value is not None:
            yield key, element.value
        assert kind != "toggle" or element.label != "Show the numbers" or element.value, key
        for text in (element.label, *getattr(element, "options", ())):
            yield f"{key}.label" if key else "", words(text)
        yield f"{key}.placeholder", getattr(element.proto, "placeholder", "")
    elif kind == "code":
        yield from [("", element.value)] if element.language != "python" else []
    elif kind == "html":
        yield "", words(re.sub(r"<style>.*?</style>", "", element.proto.body, flags=re.DOTALL))
    elif hasattr(element, "value") and isinstance(element.value, str):
        yield "", words(element.value)


def words(text: str) -> str:
    """What Markdown shows of a text."""
    text = re.sub(r"<[^>]*>|\*\*|`|^#+ ", " ", text)
    text = re.sub(r"\[([^\]]*)\]\((?:[^()]|\([^()]*\))*\)", r"\1", text)
    return html.unescape(re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", text)).replace("\u2060", "")


def leaves(value: Any, place: str) -> Iterator[tuple[str, Any]]:
    """All numbers and texts in what JSON can hold; those of a list come in their order."""
    if isinstance(value, dict):
        if "bdata" in value:
            raw = np.frombuffer(base64.b64decode(value["bdata"]), f"<{value['dtype']}")
            yield from ((place, number) for number in raw.tolist())
            return
        for name, one in value.items():
            if name == "cells":
                for level in np.frombuffer(base64.b64decode(one), np.int8).tolist():
                    yield f"{place}.{name}", level
            elif name not in LOOKS:
                yield from leaves(one, f"{place}.{name}")
    elif isinstance(value, list):
        for one in value:
            yield from leaves(one, place)
    elif isinstance(value, int | float | str) and not isinstance(value, bool):
        yield place, value


def of_bytes(key: str, data: bytes) -> Iterator[tuple[str, Any]]:
    """A header, and the numbers of a board, of a square or of the picture of all heads."""
    end = 4 + struct.unpack_from("<I", data)[0]
    header, rest = json.loads(data[4:end]), data[end:]
    yield from leaves(header, key)
    if "rows" in header:
        size = len(header["rows"]) * len(header["columns"])
        found = np.frombuffer(rest, "<f4", size)
    elif "pieces" in header or "panels" in header:
        found = np.frombuffer(rest, "<f4")
    elif "layers" in header:
        found = np.frombuffer(rest, np.uint8, offset=768) / 255
    else:
        found = np.frombuffer(rest, "<f4", offset=768)
    yield from ((f"{key}.sent", number) for number in found.tolist())


def of_chart(key: str, spec: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """What a chart draws, writes and says when it is pointed at."""
    for i, trace in enumerate(spec["data"]):
        yield from leaves(trace, f"{key}.{i}")
        hover = (trace.get("hovertemplate") or "").replace(trace.get("name") or " ", " ")
        yield f"{key}.{i}.hover", words(PLOTLY.sub("", hover))
        require_whole(trace)
    layout = spec["layout"]
    yield f"{key}.title", layout.get("title", {}).get("text", "")
    for note in layout.get("annotations", ()):
        yield f"{key}.notes", note["text"]
    for shape in layout.get("shapes", ()):
        yield from ((f"{key}.shapes", shape[end]) for end in ("x0", "x1", "y0", "y1"))
    for name, axis in layout.items():
        if re.fullmatch(r"[xy]axis\d*", name):
            title = axis.get("title", {}).get("text")
            yield from leaves([title, axis.get("ticktext")], f"{key}.{name}")


def require_whole(trace: dict[str, Any]) -> None:
    """Nothing that Plotly rounds was rounded before, and nothing that it writes is a float."""
    templates = (trace.get("hovertemplate") or "") + trace.get("texttemplate", "")
    for field, index, form in re.findall(r"%\{(\w+)(?:\[(\d)\])?(:[^}]*)?\}", templates):
        values = [value for _, value in leaves(trace.get(field, []), "")]
        if index and "shape" in trace[field]:  # a column of a table of numbers
            values = values[int(index) :: int(trace[field]["shape"].split(", ")[1])]
        for value in values:
            assert not (form and isinstance(value, str)), (field, form, value)
            assert form or isinstance(value, str) or value == round(value), (field, value)


def plain(value: Any) -> Any:
    """A value of a table as Python's own; None for what is missing."""
    value = value.item() if isinstance(value, np.generic) else value
    assert value is None or value is pd.NA or isinstance(value, int | float | str), value
    return None if value is pd.NA else value
