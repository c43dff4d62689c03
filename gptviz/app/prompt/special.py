"""Whether special tokens take part: one before the text, and those whose names are typed."""

import streamlit as st

from gptviz.app import choices
from gptviz.app.prompt.reading import Special
from gptviz.language_model import LanguageModel

NOTHING, TOKEN, TEXT = "nothing", "token", "text"


def special_tokens(lm: LanguageModel) -> Special:
    """Ask for it in the sidebar, where the tokenizer has such tokens.

    Nothing is put before a text, unless the model was trained on texts that begin with a token.
    """
    names, begin = lm.tokenizer.special_tokens, lm.tokenizer.begin_of_text
    if not names:
        return Special()
    before: tuple[int, ...] = ()
    with st.sidebar, st.expander("Special tokens"):
        if begin is not None and begin in names:
            chosen = choices.pill(
                "begin",
                "Before the text",
                {NOTHING: "nothing", TOKEN: f"`{names[begin]}`"},
                default=TOKEN if lm.tokenizer.begins else NOTHING,
            )
            before = (begin,) if chosen == TOKEN else ()
        shown = names[min(names)] if begin is None else names.get(begin, names[min(names)])
        named = choices.pill(
            "special", f"`{shown}` typed in the text is", {TEXT: "text", TOKEN: "the token"}
        )
    return Special(before, named == TOKEN)
