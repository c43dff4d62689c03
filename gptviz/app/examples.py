"""Texts to begin with, each of which shows one thing."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import streamlit as st

from gptviz import checkpoints

TALES, PLAYS = "tales", "shakespeare"  # models on board


@dataclass(frozen=True)
class Example:
    """A text worth looking at in a model on board."""

    name: str
    text: str
    reason: str  # what it shows, in a line
    model: str = TALES


EXAMPLES: Sequence[Example] = (
    Example(
        "Once upon a time",
        "Once upon a time there was a",
        "How a tale begins. Many words fit here: look at how the probability is spread over them.",
    ),
    Example(
        "A name comes back",
        "'My name is Rumpelstiltskin,' said the little man. 'Rump",
        "Copying: nothing but the first “Rumpel” tells how “Rump” goes on. A head finds it again.",
    ),
    Example(
        "The princess",
        "The princess was so sad that nobody could comfort",
        "Agreement over a distance: “her” fits the princess. Now write “prince” in her place.",
    ),
    Example(
        "A fork in the tale",
        "The princess opened the door, and there stood a",
        "A fork: no word is at all sure. Take one of the likeliest, and the tale goes its way.",
    ),
    Example(
        "ROMEO:",
        "ROMEO:\nMy love is like a",
        "Another model answers here: one that has read nothing but Shakespeare's plays.",
        PLAYS,
    ),
    Example(
        "안녕하세요",
        "안녕하세요",
        "Tokens: five letters of Korean become fourteen tokens, each only a part of a letter.",
    ),
    Example(
        "It is fooled",
        "The keys of the old king",
        "Fooled: the keys “were”, but “was” is likelier here, for “king” stands right before.",
    ),
)
_BY_NAME = {example.name: example for example in EXAMPLES}
_ON_BOARD = {example.model for example in EXAMPLES}


def choose_example(prompt: str, put: Callable[[str], None]) -> None:
    """A row of examples, and below it what the present one shows, if it is one.

    A click puts an example into the text box, with `put`, and chooses its model; someone who looks
    at a model of their own stays with it.
    """
    with st.container(gap=None):
        st.pills(
            "Examples",
            list(_BY_NAME),
            key="example",
            on_change=_take,
            args=(put,),
            label_visibility="collapsed",
        )
        if words := reason(prompt):
            st.caption(words)


def reason(prompt: str) -> str | None:
    """What an example shows, or None for any other text."""
    return next((example.reason for example in EXAMPLES if example.text == prompt), None)


def _take(put: Callable[[str], None]) -> None:
    example = _BY_NAME.get(st.session_state["example"])
    st.session_state["example"] = None
    if example is None:
        return
    put(example.text)
    names = checkpoints.names()
    present = st.session_state.get("model", names[0] if names else None)
    if present in _ON_BOARD and example.model in names and present != example.model:
        st.session_state["model"] = example.model
