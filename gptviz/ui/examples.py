"""Texts to begin with, each of which shows one thing."""

from collections.abc import Sequence
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
        "The way into a tale: many words fit here, so look at how the probabilities are spread.",
    ),
    Example(
        "A name comes back",
        "Gretchen met Hansel in the wood. When Hansel saw Gret",
        "Copying: a head that looks at what came next last time brings the name's end back.",
    ),
    Example(
        "The keys of the king",
        "The keys of the old king",
        "Agreement: the verb has to fit “keys”, although “king” stands nearer.",
    ),
    Example(
        "A fork in the story",
        "The wolf opened the door, and there stood the little",
        "A fork: try each of the likeliest words, and the tale takes another way.",
    ),
    Example(
        "ROMEO:",
        "ROMEO:\nMy love is like a",
        "Another model: this one has read nothing but Shakespeare's plays.",
        PLAYS,
    ),
    Example(
        "안녕하세요",
        "안녕하세요",
        "Tokens: five letters of Korean become many tokens, each a part of a letter.",
    ),
    Example(
        "It is fooled",
        "Paris is the capital of",
        "Fooled: it goes on without a doubt and knows nothing, for it has only read tales.",
    ),
)
_BY_NAME = {example.name: example for example in EXAMPLES}
_ON_BOARD = {example.model for example in EXAMPLES}


def choose_example() -> None:
    """A row of examples; a click puts one into the text box and chooses its model.

    Someone who looks at a model of their own stays with it.
    """
    st.pills(
        "Examples", list(_BY_NAME), key="example", on_change=_take, label_visibility="collapsed"
    )


def reason(prompt: str) -> str | None:
    """What an example shows, or None for any other text."""
    return next((example.reason for example in EXAMPLES if example.text == prompt), None)


def _take() -> None:
    example = _BY_NAME.get(st.session_state["example"])
    st.session_state["example"] = None
    if example is None:
        return
    st.session_state["prompt"] = example.text
    names = checkpoints.names()
    present = st.session_state.get("model", names[0] if names else None)
    if present in _ON_BOARD and example.model in names and present != example.model:
        st.session_state["model"] = example.model
