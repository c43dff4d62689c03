"""The box in which the text is typed, and the text as the session and the address know it.

The text is sent 300 ms after the last letter, or at once with Enter. Each one that is sent has a
number, and the page names the last that it knows: what it says about an older one never overwrites
what is in the box.
"""

import secrets

import streamlit as st

from gptviz.app import component
from gptviz.app.examples import EXAMPLES
from gptviz.app.prompt.reading import LONGEST_TEXT, Reading, Special, reading
from gptviz.language_model import LanguageModel

COMPONENT = component.register(__file__, '<div class="box"></div>')


def text() -> str:
    """The text of this session; at its start, that of the address."""
    state = st.session_state
    state.pop("prompt_put", None)
    if "prompt" not in state:
        state["prompt"] = st.query_params.get("prompt", EXAMPLES[0].text)[-LONGEST_TEXT:]
    return str(state["prompt"])


def draw(*, writes: bool = False) -> None:
    """Draw the box and bring the address up to date.

    A text that the model writes just now reaches the address when it is finished.
    """
    state = st.session_state
    shown = text()
    if not writes and st.query_params.get("prompt", EXAMPLES[0].text) != shown:
        st.query_params["prompt"] = shown
    COMPONENT(
        key="prompt_box",
        data={
            "text": shown,
            "number": state.get("prompt_number", 0),
            "session": state.setdefault("prompt_session", secrets.token_hex(4)),
            "hint": "Type a text for the model to read",
            "longest": LONGEST_TEXT,
            "writes": writes,
        },
        on_text_change=_take,
    )


def read(lm: LanguageModel, special: Special) -> Reading:
    """What the model reads of the text; of an empty one, what was last read in this session.

    Raises ValueError in words for a symbol that the tokenizer does not know.
    """
    state = st.session_state
    wanted = text() or state.get("last_prompt") or EXAMPLES[0].text
    state["last_prompt"] = wanted
    return reading(lm, wanted, _written(lm, wanted, special), special)


def keep(lm: LanguageModel, read: Reading) -> None:
    """Make what the model wrote the text of this session, with the very tokens that it wrote."""
    state = st.session_state
    state["prompt"] = state["last_prompt"] = read.text
    state["prompt_written"] = (lm.digest, read)


def put(new: str) -> None:
    """Replace the text of this session by an example, when it is clicked; the writing ends."""
    _put(new)
    st.session_state["prompt_put"] = True


def _put(new: str) -> None:
    if new != st.session_state.get("prompt"):
        st.session_state.pop("prompt_written", None)
    st.session_state["prompt"] = new
    end_writing()


def end_writing() -> None:
    """Let the model write no further, even if the browser's wish has come already."""
    if st.session_state.get("prompt_wish") == "again":
        del st.session_state["prompt_wish"]


def _written(lm: LanguageModel, wanted: str, special: Special) -> tuple[int, ...] | None:
    digest, written = st.session_state.get("prompt_written", (None, None))
    if digest != lm.digest or written.text != wanted or written.special.named != special.named:
        return None
    return written.every


def _take() -> None:
    typed = st.session_state["prompt_box"]["text"]
    st.session_state["prompt_number"] = int(typed["number"])
    # Both come at once where a click on an example, which ends the typing, finds the server busy.
    if "prompt_put" not in st.session_state:
        _put(str(typed["text"])[-LONGEST_TEXT:])
