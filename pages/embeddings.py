"""Embeddings: each token as a vector, and what lies near what."""

from functools import partial

from gptviz.app import choices
from gptviz.app.choices import Tab
from gptviz.app.frame import frame
from gptviz.subjects.embeddings import vector_tabs, word_tabs

view = frame("embeddings")
choices.tabs(
    {
        "your-tokens": Tab("Your tokens", partial(vector_tabs.similarity, view)),
        "neighbours": Tab("Neighbours", partial(word_tabs.neighbours, view)),
        "word-pairs": Tab("Word pairs", partial(word_tabs.pairs, view)),
        "analogies": Tab("Analogies", partial(word_tabs.analogies, view)),
        "map": Tab("Map", partial(vector_tabs.token_maps, view)),
        "positions": Tab("Positions", partial(vector_tabs.position_vectors, view)),
        "two-contexts": Tab("Two contexts", partial(vector_tabs.two_contexts, view)),
    },
)
