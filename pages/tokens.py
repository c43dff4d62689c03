"""Tokens: how the text is cut into pieces, and what each piece is."""

from functools import partial

import streamlit as st

from gptviz.analysis.tokens import characters_per_token, token_table
from gptviz.ui import controls, parts, token_tabs
from gptviz.ui.components.token_chips import ChipRow, chips, token_chips
from gptviz.ui.frame import frame

IDS_SHOWN = 64  # tokens; beyond that the ids below the pieces would crowd them

view = frame("tokens")
rate = characters_per_token(view.prompt, view.ids)
meaning, choice = st.columns([3, 2], vertical_alignment="center", gap="medium")
meaning.markdown(f"#### {rate:.2f} characters a token")
meaning.caption(
    f"Characters: {len(view.prompt)}, tokens: {len(view.ids)}. The more characters a token "
    f"carries, the more text fits into the {view.lm.config.block_size:,} tokens that this model "
    f"can read."
)
with choice:
    position = controls.position(view)

few = len(view.ids) <= IDS_SHOWN
found = token_table(view.lm.tokenizer, view.ids)
row = ChipRow(chips(found, ids_shown=few))
token_chips([row], view.scheme, key="pieces", chosen=position, choose="position")
parts.source(
    "ids",
    (len(view.ids),),
    "each coloured piece is one token, the number beside it its position, "
    + ("the number below it" if few else "and what appears when you point at it")
    + " its id; the model gets only the ids, in this order. · is a space, ⏎ the end of a line, "
    "⟨EC⟩ a byte that is only a part of a character. Click a token to choose it.",
)

parts.tabs(
    "details",
    {
        "Table": partial(token_tabs.table, view),
        "Merges": partial(token_tabs.merges, view, position),
        "Side by side": partial(token_tabs.side_by_side, view),
        "What a sentence costs": partial(token_tabs.costs, view),
        "Vocabulary": partial(token_tabs.vocabulary, view),
    },
)
