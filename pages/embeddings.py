"""Embeddings: each token as a vector, and what lies near what."""

import streamlit as st

from gptviz.ui import parts, vector_tabs, word_tabs
from gptviz.ui.frame import frame

view = frame("embeddings")
details = {
    "Your tokens": vector_tabs.similarity,
    "Neighbours": word_tabs.neighbours,
    "Word pairs": word_tabs.pairs,
    "Analogies": word_tabs.analogies,
    "Map": vector_tabs.token_maps,
    "Positions": vector_tabs.position_vectors,
    "Two contexts": vector_tabs.two_contexts,
}
tabs = st.tabs(list(details), key="vectors", bind="query-params")
for tab, draw in zip(tabs, details.values(), strict=True):
    if tab.open:
        with tab:
            try:
                draw(view)
            except ValueError as error:
                parts.failure(error)
