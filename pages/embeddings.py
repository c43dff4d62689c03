"""Embeddings: each token as a vector, and what lies near what."""

from functools import partial

from gptviz.ui import parts, vector_tabs, word_tabs
from gptviz.ui.frame import frame

view = frame("embeddings")
parts.tabs(
    "vectors",
    {
        "Your tokens": partial(vector_tabs.similarity, view),
        "Neighbours": partial(word_tabs.neighbours, view),
        "Word pairs": partial(word_tabs.pairs, view),
        "Analogies": partial(word_tabs.analogies, view),
        "Map": partial(vector_tabs.token_maps, view),
        "Positions": partial(vector_tabs.position_vectors, view),
        "Two contexts": partial(vector_tabs.two_contexts, view),
    },
)
