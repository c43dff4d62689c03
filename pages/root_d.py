"""Dividing by √d: attention's weights with and without it, on random vectors and on the text's."""

from functools import partial

from gptviz.app import choices
from gptviz.app.choices import Tab
from gptviz.app.frame import frame
from gptviz.subjects.root_d import tabs

view = frame("root_d")
choices.tabs(
    {
        "random": Tab("Random vectors", partial(tabs.random_vectors, view.scheme), tabs.KEYS),
        "text": Tab("Your text", partial(tabs.this_text, view)),
    }
)
