"""One layer by hand: layer norm beside batch norm, and twelve layers with and without one."""

from functools import partial

from gptviz.app import choices
from gptviz.app.choices import Tab
from gptviz.app.frame import frame_without_prompt
from gptviz.subjects.one_layer import tabs

scheme = frame_without_prompt("one_layer")
choices.tabs(
    {
        "numbers": Tab("Your numbers", partial(tabs.by_hand, scheme), tabs.NUMBER_KEYS),
        "deep": Tab("Twelve random layers", partial(tabs.deep, scheme), tabs.DEEP_KEYS),
    }
)
