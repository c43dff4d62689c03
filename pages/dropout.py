"""Dropout: the mask and its scaling, many masks, and three places of the network."""

from functools import partial

from gptviz.app import choices
from gptviz.app.choices import Tab
from gptviz.app.frame import frame
from gptviz.subjects.dropout import tabs

view = frame("dropout")
choices.tabs(
    {
        "numbers": Tab("A few numbers", partial(tabs.numbers, view.scheme), tabs.NUMBER_KEYS),
        "masks": Tab("Many masks", partial(tabs.masks, view.scheme)),
        "places": Tab(
            "Three places in your text", partial(tabs.three_places, view), tabs.PLACE_KEYS
        ),
    }
)
