"""Shortcuts: how a correction comes back through many layers, with them and without."""

from functools import partial

from gptviz.app import choices
from gptviz.app.choices import Tab
from gptviz.app.frame import frame_without_prompt
from gptviz.subjects.shortcuts import tabs

scheme = frame_without_prompt("shortcuts")
choices.tabs(
    {
        "network": Tab("A small network", partial(tabs.network, scheme), tabs.NET_KEYS),
        "powers": Tab(
            "0.9 and 1.1, again and again", partial(tabs.powers, scheme), tabs.POWER_KEYS
        ),
        "gpt": Tab("A GPT", partial(tabs.in_a_gpt, scheme), tabs.GPT_KEYS),
    }
)
