"""Positions: the matrix of waves or of a model, its sum with a token, and a shuffled text."""

from functools import partial

from gptviz.app import choices
from gptviz.app.chips.chips import choose_token
from gptviz.app.choices import Tab
from gptviz.app.frame import frame
from gptviz.subjects.positions import tabs

view = frame("positions")
position = choose_token(view.tokens, view.scheme)

choices.tabs(
    {
        "matrix": Tab("The matrix", partial(tabs.matrix, view), tabs.MATRIX_KEYS),
        "added": Tab("Token + place", partial(tabs.added, view, position)),
        "shuffled": Tab("Shuffled", partial(tabs.shuffled, view), tabs.SHUFFLE_KEYS),
    }
)
