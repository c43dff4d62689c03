"""What stands above every picture: the box for the text, the examples, and how the text is read."""

from collections.abc import Callable

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from gptviz.app import show, visitors
from gptviz.app.examples import choose_example
from gptviz.app.prompt import box
from gptviz.app.prompt.reading import LONGEST_PROMPT, LONGEST_TEXT, Reading, text_read, unfinished
from gptviz.app.prompt.special import special_tokens
from gptviz.app.theme import cut
from gptviz.language_model import LanguageModel


def draw(
    lm: LanguageModel | None = None,
    read: Reading | None = None,
    beside: Callable[[], None] | None = None,
) -> None:
    """The text to look at, typed or one of the examples, and what to know about how it is read."""
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        box.draw(writes=beside is not None and bool(st.session_state.get("prompt_writes")))
        if beside:
            beside()
    choose_example(box.text(), box.put)
    if lm and read and (words := told(lm, read)):
        st.caption(words)


def read(lm: LanguageModel, place: DeltaGenerator) -> Reading:
    """Draw the row in its place; what the model reads.

    Raises ValueError in words for a text that it cannot read.
    """
    found = None
    try:
        found = box.read(lm, special_tokens(lm))
    finally:
        with place:
            draw(lm, found)
    return found


def told(lm: LanguageModel, read: Reading) -> str:
    """What someone should know who sees the picture beside the text."""
    told = [show.literal(note) for note in lm.notes]
    if not box.text():
        shown = show.literal(cut(read.text.strip(), 60))
        told.append(f"The box is empty. What you see is of “{shown}”.")
    if read.left_out:
        many = f"{read.left_out:,} tokens before them are left out"
        if len(read.text) == LONGEST_TEXT:
            many = f"More than {many}"
        begin = cut(text_read(lm.tokenizer, read).lstrip("\ufffd").strip(), 40)
        told.append(
            f"Too long: only the last {read.longest} tokens are read, from "
            f"“{show.literal(begin)}” on. {many}."
        )
        if (limits := visitors.limits()) and read.longest == limits.max_prompt < LONGEST_PROMPT:
            told.append(
                f"Visitors of this class read up to {read.longest} tokens; shorten the text, or "
                f"ask the teacher."
            )
    if unfinished(lm.tokenizer, read.ids):
        told.append("The model is in the middle of a letter; the box shows it when it is complete.")
    return " ".join(told)
