"""Tokens: how the text is cut into pieces, and what each piece is."""

from functools import partial

import streamlit as st

from gptviz.app import choices, show
from gptviz.app.chips.chips import ChipRow, chips, token_chips
from gptviz.app.choices import Tab
from gptviz.app.clicks import clicked
from gptviz.app.frame import frame
from gptviz.app.glossary import term
from gptviz.subjects.tokens import tabs
from gptviz.subjects.tokens.analysis import characters_per_token, token_table

IDS_SHOWN = 64  # tokens; beyond that the ids below the pieces would crowd them
ID_BELOW, ID_ON_HOVER = "The number below it is its id.", "Point at a piece to see its id."

view = frame("tokens")
rate = characters_per_token(view.prompt, view.ids)
st.markdown(f"## {rate:.2f} characters a token")
st.caption(
    f"Characters: {len(view.prompt)}, tokens: {len(view.ids)}. The more characters a token "
    f"carries, the more text fits into the {view.lm.config.block_size:,} tokens that this model "
    f"can read, its {term('context')}."
)
position = clicked("position", len(view.ids), len(view.ids) - 1)

few = len(view.ids) <= IDS_SHOWN
found = token_table(view.lm.tokenizer, view.ids)
row = ChipRow(chips(found, ids_shown=few))
token_chips([row], view.scheme, key="pieces", chosen=position, choose="position")
show.source(
    "ids",
    (len(view.ids),),
    "each coloured piece is one token. The number beside it is its position. "
    f"{ID_BELOW if few else ID_ON_HOVER} The model gets only the ids, in this order. · is a space, "
    "⏎ the end of a line, ⟨EC⟩ a byte that is only a part of a character. Click a token to choose "
    "it.",
)

choices.tabs(
    {
        "table": Tab("Table", partial(tabs.table, view)),
        "merges": Tab("Merges", partial(tabs.merges, view, position)),
        "side-by-side": Tab("Side by side", partial(tabs.side_by_side, view)),
        "costs": Tab("What a sentence costs", partial(tabs.costs, view)),
        "vocabulary": Tab("Vocabulary", partial(tabs.vocabulary, view)),
    },
)
