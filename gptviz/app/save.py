"""Pictures to keep: each that the browser draws itself saves as SVG and as PNG.

The script is mounted once a page. A picture's own script says `offerToSave(root, data.file)`,
and gets two buttons below it, which show where the pointer or the keyboard is.
"""

import functools
import re

import streamlit as st

from gptviz.app import component
from gptviz.app.pages import PAGES

COMPONENT = component.register(__file__)
LONGEST = 40  # characters of the prompt
_ABOUT = {name: "" for name, page in PAGES.items() if page.top == "nothing"} | {"training": "run"}
LAYER_AND_HEAD = re.compile(r"\bh\.(\d+)\b(?:[^\[]*\[(\d+))?")


def saving() -> None:
    """Bring the script that saves the pictures of this page."""
    COMPONENT(key="save")


def file_name(picture: str, tensor: str = "") -> str:
    """What a saved picture is called, without an ending: page, prompt, picture, layer and head.

    The last two come from the name of the tensor that it shows, as h.2.attn.pattern[1]. Where a
    page reads no prompt, none is in its pictures' names; on Training stands the run. The name
    holds letters and digits of any script, - and _, so it can be written to every disk.
    """
    page = str(st.session_state.get("page", ""))
    key = _ABOUT.get(page, "prompt")
    about = (key and st.session_state.get(key)) or ""
    return _file_name(picture, tensor, page, str(about))


@functools.lru_cache(1024)
def _file_name(picture: str, tensor: str, page: str, about: str) -> str:
    found = LAYER_AND_HEAD.search(tensor)
    layer, head = found.groups() if found else (None, None)
    parts = (
        "gptviz",
        page,
        _safe(about)[:LONGEST].strip("-"),
        _safe(picture) if picture != page else "",
        f"L{layer}" if layer else "",
        f"H{head}" if head and "attn" in tensor else "",
    )
    return "-".join(part for part in parts if part)


def _safe(text: str) -> str:
    return re.sub(r"\W+", "-", text[:200]).strip("-")
